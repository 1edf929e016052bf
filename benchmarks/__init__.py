"""Measurements against other tools and against what SSH itself costs; see README.md."""
