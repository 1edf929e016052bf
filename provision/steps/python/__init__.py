"""Python on a host: virtual environments with packages of Python."""
