"""How one script reaches one host."""
