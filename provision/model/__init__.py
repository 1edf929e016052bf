"""Pure values: steps, shell text, changes, events and results; no I/O."""
