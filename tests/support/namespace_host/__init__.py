"""Hosts in mount namespaces of this machine: real users, files and packages of their own."""
