"""Bandwidth between pairs of hosts: transfers, and the baseline they are compared with."""
