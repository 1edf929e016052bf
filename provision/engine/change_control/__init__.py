"""Control of who may change a cluster, and a record on each host of who did."""
