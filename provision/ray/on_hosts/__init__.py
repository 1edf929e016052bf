"""Commands, logs, files and terminals on the hosts of a cluster, and in Ray's containers."""
