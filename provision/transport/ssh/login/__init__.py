"""Logging in: which keys, in which order, and the reason when none works."""
