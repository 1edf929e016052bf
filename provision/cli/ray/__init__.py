"""The commands about a Ray cluster."""
