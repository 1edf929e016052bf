"""Pairs of hosts: connections both ways on Ray's ports, to real listeners."""
