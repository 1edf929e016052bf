"""The first and the daily steps of a person: an inventory, and the way to the cluster."""
