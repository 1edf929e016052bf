"""Users of a host, and what it reaches."""
