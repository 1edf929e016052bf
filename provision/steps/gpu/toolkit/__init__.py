"""NVIDIA's container toolkit on a host, and a Docker engine that gives GPUs to containers."""
