"""Tests of Ray's own sources, run on the head."""
