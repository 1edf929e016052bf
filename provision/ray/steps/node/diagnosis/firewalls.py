"""Firewalls between the nodes of a cluster: found after a failure, with what opens them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from provision.model.shell import Sh
from provision.model.shell_file import read_shell

EVIDENCE = read_shell(__file__, "evidence.sh")
UNREACHED = read_shell(__file__, "unreached.sh")
FOUND = re.compile(r"^firewall of this host: (\w+) ?(.*)$", re.MULTILINE)
CONNECTION = re.compile(r"^connection to (\S+):(\d+): (.+)$", re.MULTILINE)
DROPPED = re.compile(
    r"^connection to (?:the head at )?(\S+): (?:no answer|No route to host)$",
    re.MULTILINE,
)
"""A connection that no host answers; a firewall that rejects says that there is no route."""
RELOAD = " && firewall-cmd --reload"
UNSTEADY = re.compile(r"\b(ended|restarts|starting)\b")
"""Words for a node that other nodes may not have reached."""
EACH_NODE = "ADDRESS"
"""Stands for the address of each other node in a command, where they are many."""
MOST_NAMED = 3
"""Most nodes that a command names one by one."""


def evidence(name: str, head: str, head_port: int) -> Sh:
    """Return shell that prints why the node in container *name* may not work."""
    return Sh.of(EVIDENCE, name=name, head=head, head_port=head_port)


def unreached(*places: str) -> Sh:
    """Return shell that prints which of *places* (`address:port`) its host does not reach."""
    return Sh.of(UNREACHED, *places)


def closed_ports(text: str) -> dict[str, dict[int, str]]:
    """Return what came of connections that `closed_ports.sh` printed, by address and port."""
    found: dict[str, dict[int, str]] = {}
    for address, port, came_of_it in CONNECTION.findall(text):
        found.setdefault(address, {})[int(port)] = came_of_it
    return found


def firewall_found(text: str) -> tuple[str, str]:
    """Return the firewall that evidence names, and its chain if it is of nftables."""
    found = FOUND.search(text)
    return (found[1], found[2]) if found else ("", "")


def not_answering(text: str) -> list[str]:
    """Return the addresses with ports that evidence says do not answer at all."""
    return DROPPED.findall(text)


def open_to_all(
    firewall: str, chain: str, sources: Sequence[str], ports: Sequence[str]
) -> str:
    """Return the command with which *firewall* lets each of *sources* into *ports*."""
    named = sources if len(sources) <= MOST_NAMED else [EACH_NODE]
    # A reload makes all rules of firewalld count; it comes once.
    rules = [
        command_to_open(firewall, chain, source, ports).removesuffix(RELOAD)
        for source in named
    ]
    return " && ".join(rules) + (RELOAD if firewall == "firewalld" else "")


def command_to_open(
    firewall: str, chain: str, source: str, ports: Sequence[str]
) -> str:
    """Return the command with which *firewall* lets *source* into *ports*.

    Args:
        firewall: ufw, firewalld, iptables or nftables.
        chain: the table and chain of nftables, as `inet filter input`.
        source: an address.
        ports: ranges as iptables writes them.

    Source: ufw(8) 0.36, firewall-cmd(1) 1.3, iptables-extensions(8) 1.8, nft(8) 1.0.
    """
    joined, v6 = ",".join(ports), ":" in source
    commands = {
        "ufw": f"ufw allow proto tcp from {source} to any port {joined}",
        "firewalld": (
            f"firewall-cmd --permanent --zone=trusted --add-source={source}{RELOAD}"
        ),
        "iptables": (
            f"ip{'6' * v6}tables -I INPUT -s {source} -p tcp -m multiport "
            f"--dports {joined} -j ACCEPT"
        ),
        "nftables": (
            f"nft insert rule {chain} ip{'6' * v6} saddr {source} tcp dport "
            f"'{{ {joined.replace(':', '-').replace(',', ', ')} }}' accept"
        ),
    }
    return commands[firewall]


def open_here(text: str, sources: Sequence[str], ports: Sequence[str]) -> str:
    """Return how to open the firewall that evidence in *text* found; "" = it found none."""
    firewall, chain = firewall_found(text)
    if not firewall:
        return ""
    command = open_to_all(firewall, chain, sources, ports)
    kept = (
        "" if firewall in {"ufw", "firewalld"} else ", and keep it over the next reboot"
    )
    return (
        f"{firewall} is active on this host; the other nodes need TCP ports "
        f"{','.join(ports)}: `{command}`, for each of them{kept}"
    )


def open_there(
    host: str, sources: Sequence[str], ports: Sequence[str], *, to: str = "all nodes"
) -> str:
    """Return how to open a firewall of another *host*, whichever it has."""
    ways = " or ".join(
        f"`{open_to_all(firewall, '', sources, ports)}`"
        for firewall in ("ufw", "firewalld")
    )
    return (
        f"a firewall of {host} or on the way drops it: TCP ports {','.join(ports)} there "
        f"must be open to {to}, as by {ways}"
    )


def no_head_advice(problem: str, at: str, own: str, ports: Sequence[str]) -> str:
    """Return what to do about a node that cannot reach the head.

    Args:
        problem: the error, with the evidence.
        at: the head's address and port.
        own: the address of the node.
        ports: those of the head.
    """
    head = at.rpartition(":")[0]
    if at in not_answering(problem) and head != own:
        return f"see that the head runs; {open_there(head, [own], ports)}"
    return f"see that the head runs and no firewall closes {at} to this host"


def ended_advice(problem: str, head: str, ports: Sequence[str]) -> str:
    """Return how to let others in where a worker may have ended for want of that; "" = none.

    Args:
        problem: the error, with the evidence.
        head: the head's address.
        ports: those of a worker.
    """
    way = open_here(problem, [head], ports) if UNSTEADY.search(problem) else ""
    return f"if Ray's lines give no other reason: {way}" if way else ""
