"""The look at a host: one script that prints what it is and has."""
