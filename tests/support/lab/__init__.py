"""Support of the lab tests: commands, open ports, steps on one host, traces of secrets."""
