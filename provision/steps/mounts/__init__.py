"""File systems of hosts: exported, mounted, and asked whether they answer."""
