"""GPUs of a host: what is found, and what a container of it gets."""
