"""The state of the lab's hosts, by plain find, dpkg, iptables and systemctl."""

from __future__ import annotations

from provision import lab

HOSTS = ("node1", "node2", "node3")
STATE = r"""
cd /
find etc home opt srv ! -name '*-' ! -name .sudo_as_admin_successful ! -path 'etc/ssl/certs/*' -printf '%y %m %U:%G %p %l\n' | sort
find usr/local var var/lib run -maxdepth 1 ! -name adduser ! -name motd.dynamic -printf '%y %m %U:%G %p %l\n' | sort
find etc -type f ! -name '*-' -exec sha256sum {} + | sort
find var/lib/containerd/mine -type f 2>/dev/null
dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' | sort
iptables-save 2>/dev/null | grep -v '^#\|^:' | sort
cat /proc/sys/net/ipv4/ip_forward
systemctl list-units --all --plain --no-legend --type service |
    awk '{print $1, $4}' | grep -v '@\|ssh' | sort
"""


def root_shell(host: str, script: str) -> str:
    """Return what *script* prints, run as root."""
    return lab.run(host, "sh", "-c", script)


def states() -> dict[str, list[str]]:
    """Return the lines about each host: files, packages, rules and services."""
    return {host: root_shell(host, STATE).splitlines() for host in HOSTS}


def altered(before: dict[str, list[str]]) -> dict[str, set[str]]:
    """Return the lines that came or went since *before*, by host; no line, no host."""
    now = states()
    found = {host: set(now[host]) ^ set(before[host]) for host in HOSTS}
    return {host: lines for host, lines in found.items() if lines}
