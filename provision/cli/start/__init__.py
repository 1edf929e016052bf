"""Commands for the first ten minutes: init, doctor, env, dashboard."""
