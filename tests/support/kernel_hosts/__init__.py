"""Hosts with a kernel of their own: User-Mode Linux, a Linux kernel that runs as a program.

The lab's hosts share this machine's kernel, which may have neither a server nor a client of NFS.
Debian's package user-mode-linux has both, and needs no virtualization: kernel, NFS, systemd and
sshd are real. Only root can give the hosts a network.
"""
