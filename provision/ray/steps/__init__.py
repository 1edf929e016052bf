"""Ray's kinds of steps."""
