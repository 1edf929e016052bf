"""Services and units of systemd on a host."""
