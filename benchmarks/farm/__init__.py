"""A farm of hosts on loopback, what they have, and what SSH to them costs."""
