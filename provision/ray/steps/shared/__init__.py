"""Folders that all nodes of a cluster have at the same path."""
