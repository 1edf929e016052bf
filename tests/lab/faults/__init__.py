"""Faults done to a real lab, each with the outcome that is expected of it."""
