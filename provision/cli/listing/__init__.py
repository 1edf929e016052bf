"""Lists of all commands: in groups, and as a page of the documentation."""
