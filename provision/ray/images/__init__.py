"""Images on the hosts of a cluster: what is where, made of a container, and removed."""
