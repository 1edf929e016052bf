"""Containers that Docker starts again and again."""
