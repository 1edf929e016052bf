"""Packages, archives and images that the virtual hosts download."""
