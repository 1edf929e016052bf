"""Environments of Python, and repositories of sources, that tests make."""
