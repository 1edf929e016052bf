"""The faults, one module for each kind of cause."""
