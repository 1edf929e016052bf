"""The Docker engine of a host."""
