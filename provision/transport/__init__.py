"""The ways a script reaches a host."""
