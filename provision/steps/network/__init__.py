"""The networks of a host: found, and chosen from."""
