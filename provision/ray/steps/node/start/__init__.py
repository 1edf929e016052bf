"""Parameters and flags of `ray start`, the same in a container and as a process."""
