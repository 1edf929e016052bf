"""Types of parameters of a container: what is mounted, limits, and more flags."""
