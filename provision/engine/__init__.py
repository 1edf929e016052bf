"""One run over many hosts."""
