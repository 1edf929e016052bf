"""JupyterLab of the cluster's Python, in the head's container."""
