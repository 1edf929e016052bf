"""Packages and users of a host, and what it reaches."""
