"""Channels of a connection that carry data, a terminal, or a TCP connection."""
