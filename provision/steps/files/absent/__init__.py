"""Paths of a host at which nothing is, or only what was there before."""
