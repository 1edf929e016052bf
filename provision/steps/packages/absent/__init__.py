"""Packages that are absent, or only those that a deploy brought."""
