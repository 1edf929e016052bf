"""Commands about single hosts: exec, shell, logs, cp, ray."""
