"""Files on the controller become bound steps."""
