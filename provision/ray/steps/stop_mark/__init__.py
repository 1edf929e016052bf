"""The mark that a node of Ray was stopped on purpose, which a host keeps over reboots."""
