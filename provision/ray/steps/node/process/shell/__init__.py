"""Shell functions about the process of a Ray node, for several scripts."""
