"""Docker containers on a host."""
