"""Commands that are run, and the schemas of what they print."""
