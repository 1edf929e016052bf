"""Commands that stop and start a cluster, and that change which hosts it has."""
