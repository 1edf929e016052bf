"""Commands, files and terminals of persons on the hosts: nothing here is a step."""
