"""Text of the scripts that change a host."""
