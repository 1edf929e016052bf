"""Unit files of systemd."""
