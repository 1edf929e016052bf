"""What a person and a script see of a run; consumers of its events."""
