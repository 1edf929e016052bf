"""A Ray node as a process of its host, from a virtual environment of Python."""
