"""Ray's Python sources from a git repository, laid over the Ray of a virtual environment."""
