"""Packages, users, services and units of a host."""
