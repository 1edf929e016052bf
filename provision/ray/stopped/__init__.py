"""Nodes that were stopped on purpose, as commands about the cluster meet them."""
