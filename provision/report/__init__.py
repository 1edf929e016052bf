"""Consumers of a run's events: console lines, live progress, summary, JSON report."""
