"""Faults that are injected into a real lab, each with its expected outcome."""
