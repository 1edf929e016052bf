"""Support code for several kinds of tests."""
