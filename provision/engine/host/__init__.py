"""One host during one run: its connection, and the way of its steps."""
