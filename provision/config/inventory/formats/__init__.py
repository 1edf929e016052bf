"""The formats of inventories: each yields the entries of `entries.py`."""
