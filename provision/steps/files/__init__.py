"""Files, directories and archives on a host."""
