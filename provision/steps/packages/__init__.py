"""Packages of the distribution on a host."""
