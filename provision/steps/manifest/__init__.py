"""The manifest of a host: what was there before a run of provision changed it.

It lies in /var/lib/.provision, with the files that were altered, and is written before each
change: a line for each thing, by the first run that changes it. A teardown removes what
was absent before, and puts back what was altered.
"""
