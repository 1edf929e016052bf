"""Measurements on stand-ins for hosts."""
