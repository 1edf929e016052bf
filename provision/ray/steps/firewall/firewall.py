"""The ports of a Ray cluster: closed to all but its hosts, or open again."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterator, Sequence
from typing import Self

from pydantic import Field, field_validator, model_validator

from provision.errors import ProbeError
from provision.model.change import Change, State
from provision.model.fields import Port, Word
from provision.model.shell import Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Absence, Step, parse_lines
from provision.ray.steps.firewall.rules import (
    FAMILIES,
    Network,
    chain,
    describe,
    network,
    rules,
)
from provision.ray.steps.node.ports import Ports, ranges
from provision.ray.steps.nodes import ClusterNode

SSH_PORT = 22
PROBE = read_shell(__file__, "probe.sh")
CLOSE = read_shell(__file__, "close.sh")
OPEN = read_shell(__file__, "open.sh")
LOAD = (
    "#!/bin/sh\n# Written by provision: loads the rules beside it, at boot.\n"
    + read_shell(__file__, "load.sh")
)
UNIT = """\
# Written by provision.
[Unit]
Description=Ports of a Ray cluster, closed to others
After=network-pre.target firewalld.service nftables.service ufw.service
Before=docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /etc/provision/firewall/{chain}/load

[Install]
WantedBy=multi-user.target
"""
RULE_LINES = ("iptables=", "ip6tables=-")
"""Starts of the probe's lines with rules; `ip6tables=unusable` is none of them."""
EVIDENCE = 'journalctl --no-pager --lines 10 --unit "provision-firewall-$chain"'


class ClusterFirewall(Step):
    """The firewall of this cluster on a host, which is there or is not."""

    cluster: Word


class RayFirewall(ClusterFirewall, kind="ray_firewall"):
    """The ports of a cluster take connections from its hosts only, on this host.

    A chain of its own does it, in `iptables` and `ip6tables`, which a host with Docker
    has. It comes first in INPUT; all other rules, Docker's among them, stay as they are.
    Connections to other ports, such as SSH's, and connections that are open already are
    left alone. A unit of systemd loads the chain at boot, before Docker.

    Raises:
        ProbeError: iptables does not work here.
        ApplyError: sshd listens on one of the ports; there is no systemd.

    Source: iptables(8), iptables-restore(8), iptables-extensions(8), iptables 1.8.
    """

    title_format = "firewall of cluster {cluster}"
    advice_table = {
        ("sshd listens",): "give Ray other ports with the variable ray_ports"
    }

    hosts: tuple[ClusterNode, ...] = Field(min_length=1)
    """Let in by `address`; not by name, since a name may later mean another address."""
    allow: tuple[Network, ...] = ()
    """Further addresses and networks to let in, such as those of users."""
    ports: Ports = Ports()
    other_ports: tuple[Port, ...] = ()
    """Ports to close besides Ray's."""

    @field_validator("hosts")
    @classmethod
    def _addresses(cls, value: tuple[ClusterNode, ...]) -> tuple[ClusterNode, ...]:
        for host in value:
            try:
                ipaddress.ip_address(host.address)
            except ValueError:
                raise ValueError(
                    f"{host.name} is known as {host.address}, which is no address: "
                    "give it one with `address:` in the inventory"
                ) from None
        return value

    @model_validator(mode="after")
    def _not_ssh(self) -> Self:
        if SSH_PORT in self._numbers():
            raise ValueError("22 is SSH's port: nobody could reach the host any more")
        return self

    def probe(self) -> Sh:
        return Sh.of(PROBE, chain=chain(self.cluster))

    def observe(self, reply: Reply) -> State:
        lines = reply.stdout.splitlines()
        found = [rule for rule in lines if rule.startswith(RULE_LINES)]
        rest = "\n".join(line for line in lines if line not in found)
        state = dict(super().observe(Reply(rest, reply.stderr, reply.exit)))
        if why := state.pop("unusable", ""):
            raise ProbeError(f"iptables does not work on this host: {why}")
        for tables in FAMILIES.values():
            own = [r.partition("=")[2] for r in found if r.startswith(f"{tables}=")]
            state |= describe(tables, own)
        return state

    def desired(self) -> State:
        state: dict[str, str] = {}
        for version, tables in FAMILIES.items():
            state |= describe(tables, list(self._rules(version)))
            state[f"{tables}.input"] = "first"
        files = "".join([LOAD, *map(self._saved_rules, FAMILIES), self._unit()])
        state["files"] = hashlib.sha256(files.encode()).hexdigest()
        return {**state, "boot": "enabled"}

    def plan(self, observed: State) -> list[Change]:
        changes = super().plan(observed)
        if observed.get("ip6tables") == "unusable":
            return [c for c in changes if not c.field.startswith("ip6tables")]
        return changes

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(
            CLOSE,
            *self._ranges(),
            chain=chain(self.cluster),
            load=LOAD,
            iptables=self._saved_rules(4),
            ip6tables=self._saved_rules(6),
            service=self._unit(),
        )

    def _numbers(self) -> set[int]:
        workers = range(self.ports.workers_min, self.ports.workers_max + 1)
        return {*self.ports.of_head(), *workers, *self.other_ports}

    def _ranges(self) -> list[str]:
        return list(ranges(self._numbers()))

    def _rules(self, version: int) -> Iterator[str]:
        """Return the rules of the chain, as `iptables -S` prints them."""
        sources = {network(host.address) for host in self.hosts} | set(self.allow)
        networks = {ipaddress.ip_network(source) for source in sources}
        own = [net for net in networks if net.version == version]
        own.sort(key=lambda net: (int(net.network_address), net.prefixlen))
        return rules([net.with_prefixlen for net in own], self._ranges())

    def _saved_rules(self, version: int) -> str:
        """Return the chain in the format that `iptables-restore` reads."""
        name = chain(self.cluster)
        lines = [f"-A {name} {rule}" for rule in self._rules(version)]
        return "\n".join(["*filter", f":{name} - [0:0]", *lines, "COMMIT", ""])

    def _unit(self) -> str:
        return UNIT.format(chain=chain(self.cluster))

    def evidence(self) -> Sh:
        return Sh.of(EVIDENCE, chain=chain(self.cluster))


class RayFirewallAbsent(Absence, ClusterFirewall, kind="ray_firewall_absent"):
    """The cluster has no firewall on this host; rules of others stay as they are.

    Source: iptables(8), iptables 1.8.
    """

    title_format = "no firewall of cluster {cluster}"

    def probe(self) -> Sh:
        return Sh.of(PROBE, chain=chain(self.cluster))

    def observe(self, reply: Reply) -> State:
        # Where iptables does not work the cluster has no firewall.
        without = ("unusable=", "ip6tables=unusable")
        lines = [n for n in reply.stdout.splitlines() if not n.startswith(without)]
        found = parse_lines("\n".join(lines))
        return dict.fromkeys(found, "present")

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(OPEN, chain=chain(self.cluster))
