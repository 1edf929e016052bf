"""Earlier runs, as the hosts' own logs have them: the same from any controller."""
