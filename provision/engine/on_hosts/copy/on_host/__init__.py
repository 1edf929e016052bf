"""Shell of a copy, for the side of the host."""
