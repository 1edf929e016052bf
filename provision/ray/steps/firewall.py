"""The ports of a Ray cluster, closed to all but its hosts; or open again."""

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
from provision.model.step import Absence, Step, parse_lines
from provision.ray.steps.node.ports import Ports
from provision.ray.steps.nodes import ClusterNode
from provision.steps.system.iptables import (
    FAMILIES,
    Network,
    chain,
    network,
    ranges,
    rules,
    told,
)

SSH = 22

FIRST = r"""
# Whether INPUT looks at our chain before all but others of ours: what comes before could
# let in whom we do not.
first() {
    "$tables" -w 10 -S INPUT 2>/dev/null | sed -n '/^-A/{
        /^-A INPUT -j PROVISION-[^ ]*$/!q
        p
    }' | grep -qxF -e "-A INPUT -j $chain"
}
"""
LOAD = (
    r"""#!/bin/sh
# Written by provision. Its unit runs it at boot: puts the rules beside it into effect.
# Only our own chain is filled, and INPUT looks at it first.
set -eu
cd "${0%/*}"
"""
    + FIRST
    + r"""
chain=$(sed -n 's/^:\([^ ]*\) .*/\1/p' iptables)
for tables in iptables ip6tables; do
    if [ "$tables" = ip6tables ] && ! ip6tables -w 10 -S INPUT >/dev/null 2>&1; then
        continue # a kernel without IPv6
    fi
    "$tables-restore" --wait 10 --noflush <"$tables"
    ! first || continue
    "$tables" -w 10 -I INPUT 1 -j "$chain"
    # What is left of where it was looked at before, the last one first.
    "$tables" -w 10 -S INPUT | sed -n 's/^-A INPUT //p' | grep -nxF -e "-j $chain" |
        sed '1d; s/:.*//' | sort -rn |
        while read -r number; do "$tables" -w 10 -D INPUT "$number"; done
done
"""
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
ExecStart=/bin/sh {folder}/load

[Install]
WantedBy=multi-user.target
"""
PROBE = (
    FIRST
    + r"""
for tables in iptables ip6tables; do
    command -v "$tables" >/dev/null || continue
    if ! why=$("$tables" -w 10 -S INPUT 2>&1 >/dev/null); then
        [ "$tables" = ip6tables ] || printf 'unusable=%s\n' "$why" | head -n 1
        [ "$tables" = iptables ] || echo 'ip6tables=unusable'
        continue
    fi
    "$tables" -w 10 -S "$chain" 2>/dev/null | sed -n "s/^-A [^ ]* /$tables=/p"
    if first; then
        echo "$tables.input=looks"
    elif "$tables" -w 10 -C INPUT -j "$chain" 2>/dev/null; then
        echo "$tables.input=looks too late"
    fi
done
unit=/etc/systemd/system/provision-firewall-$chain.service
folder=/etc/provision/firewall/$chain
if [ -d "$folder" ] || [ -e "$unit" ]; then
    sum=$(cat "$folder/load" "$folder/iptables" "$folder/ip6tables" "$unit" \
        2>/dev/null | sha256sum)
    printf 'files=%s\n' "${sum%% *}"
    ! systemctl is-enabled --quiet "${unit##*/}" 2>/dev/null || echo 'boot=loads'
fi
"""
)
CLOSE = r"""
[ -d /run/systemd/system ] || { echo 'this host has no systemd' >&2; exit 1; }
for port in $(ss -Hltnp | sed -n '/"sshd"/s/^\([^ ]* *\)\{3\}[^ ]*:\([0-9]*\) .*/\2/p'); do
    for range; do
        [ "$port" -lt "${range%:*}" ] || [ "$port" -gt "${range#*:}" ] || {
            echo "sshd listens on port $port, which would be closed" >&2
            exit 1
        }
    done
done
folder=/etc/provision/firewall/$chain
unit=provision-firewall-$chain.service
put() {
    printf '%s' "$2" >"$1.new"
    mv -f "$1.new" "$1"
}
install -d -m 755 /etc/provision /etc/provision/firewall "$folder"
put "$folder/load" "$load"
put "$folder/iptables" "$iptables"
put "$folder/ip6tables" "$ip6tables"
put "/etc/systemd/system/$unit" "$service"
systemctl daemon-reload
systemctl enable --quiet "$unit"
systemctl restart "$unit"
"""
OPEN = r"""
unit=provision-firewall-$chain.service
if [ -e "/etc/systemd/system/$unit" ]; then
    systemctl disable --quiet --now "$unit" || true
    rm -f "/etc/systemd/system/$unit"
    systemctl daemon-reload
fi
for tables in iptables ip6tables; do
    "$tables" -w 10 -S INPUT >/dev/null 2>&1 || continue
    while "$tables" -w 10 -D INPUT -j "$chain" 2>/dev/null; do :; done
    "$tables" -w 10 -F "$chain" 2>/dev/null || continue
    "$tables" -w 10 -X "$chain"
done
rm -rf "/etc/provision/firewall/$chain"
rmdir /etc/provision/firewall /etc/provision 2>/dev/null || true
"""
EVIDENCE = 'journalctl --no-pager --lines 10 --unit "provision-firewall-$chain"'


class RayFirewall(Step, kind="ray_firewall"):
    """The ports of a cluster take connections from its hosts only, on this host.

    A chain of our own does it, in `iptables` and `ip6tables`, which a host with Docker
    has. INPUT looks at it first; all other rules, Docker's among them, stay as they are.
    Connections to other ports, such as SSH's, and those that are open already are left
    alone. A unit of systemd loads it at boot, before Docker.

    Raises:
        ProbeError: iptables does not work here.
        ApplyError: sshd listens on one of the ports; there is no systemd.

    Source: iptables(8), iptables-restore(8), iptables-extensions(8), iptables 1.8.
    """

    cluster: Word
    hosts: tuple[ClusterNode, ...] = Field(min_length=1)
    """Whose `address` is let in; an address, as a name might mean another one later."""
    allow: tuple[Network, ...] = ()
    """Addresses and networks besides: of users, for example."""
    ports: Ports = Ports()
    other_ports: tuple[Port, ...] = ()
    """Ports besides Ray's."""

    @field_validator("hosts")
    @classmethod
    def _addresses(cls, value: tuple[ClusterNode, ...]) -> tuple[ClusterNode, ...]:
        for node in value:
            try:
                ipaddress.ip_address(node.address)
            except ValueError:
                raise ValueError(
                    f"{node.name} is known as {node.address}, which is no address: "
                    "give it one with `address:` in the inventory"
                ) from None
        return value

    @model_validator(mode="after")
    def _not_ssh(self) -> Self:
        if SSH in self._numbers():
            raise ValueError("22 is SSH's port: nobody could reach the host any more")
        return self

    @property
    def title(self) -> str:
        return f"firewall of cluster {self.cluster}"

    def probe(self) -> Sh:
        return Sh.of(PROBE, chain=chain(self.cluster))

    def observe(self, reply: Reply) -> State:
        lines = reply.stdout.splitlines()
        rules = [
            line for line in lines if line.startswith(("iptables=", "ip6tables=-"))
        ]
        rest = "\n".join(line for line in lines if line not in rules)
        state = dict(super().observe(Reply(rest, reply.stderr, reply.exit)))
        if why := state.pop("unusable", ""):
            raise ProbeError(f"iptables does not work on this host: {why}")
        for tables in FAMILIES.values():
            own = [r.partition("=")[2] for r in rules if r.startswith(f"{tables}=")]
            state |= told(tables, own)
        return state

    def desired(self) -> State:
        state: dict[str, str] = {}
        for version, tables in FAMILIES.items():
            state |= told(tables, list(self._rules(version)))
            state[f"{tables}.input"] = "looks"
        service = UNIT.format(folder=f"/etc/provision/firewall/{chain(self.cluster)}")
        files = "".join([LOAD, *map(self._restore, FAMILIES), service])
        state["files"] = hashlib.sha256(files.encode()).hexdigest()
        return {**state, "boot": "loads"}

    def plan(self, observed: State) -> list[Change]:
        changes = super().plan(observed)
        if observed.get("ip6tables") == "unusable":
            return [c for c in changes if not c.field.startswith("ip6tables")]
        return changes

    def apply(self, changes: Sequence[Change]) -> Sh:
        name = chain(self.cluster)
        return Sh.of(
            CLOSE,
            *self._ranges(),
            chain=name,
            load=LOAD,
            iptables=self._restore(4),
            ip6tables=self._restore(6),
            service=UNIT.format(folder=f"/etc/provision/firewall/{name}"),
        )

    def _numbers(self) -> set[int]:
        workers = range(self.ports.workers_min, self.ports.workers_max + 1)
        return {*self.ports.of_head(), *workers, *self.other_ports}

    def _ranges(self) -> list[str]:
        return list(ranges(self._numbers()))

    def _rules(self, version: int) -> Iterator[str]:
        """Our chain, as `iptables -S` prints it."""
        sources = {network(node.address) for node in self.hosts} | set(self.allow)
        networks = {ipaddress.ip_network(source) for source in sources}
        own = [net for net in networks if net.version == version]
        own.sort(key=lambda net: (int(net.network_address), net.prefixlen))
        return rules([net.with_prefixlen for net in own], self._ranges())

    def _restore(self, version: int) -> str:
        """What `iptables-restore` reads."""
        name = chain(self.cluster)
        lines = [f"-A {name} {rule}" for rule in self._rules(version)]
        return "\n".join(["*filter", f":{name} - [0:0]", *lines, "COMMIT", ""])

    def evidence(self) -> Sh:
        return Sh.of(EVIDENCE, chain=chain(self.cluster))

    def advice(self, problem: str) -> str:
        if "sshd listens" in problem:
            return "give Ray other ports with the variable ray_ports"
        return ""


class RayFirewallAbsent(Absence, kind="ray_firewall_absent"):
    """No firewall of ours for this cluster; other rules stay as they are.

    Source: iptables(8), iptables 1.8.
    """

    cluster: Word

    @property
    def title(self) -> str:
        return f"no firewall of cluster {self.cluster}"

    def probe(self) -> Sh:
        return Sh.of(PROBE, chain=chain(self.cluster))

    def observe(self, reply: Reply) -> State:
        # Where iptables does not work there is no firewall of ours.
        without = ("unusable=", "ip6tables=unusable")
        lines = [n for n in reply.stdout.splitlines() if not n.startswith(without)]
        found = parse_lines("\n".join(lines))
        return dict.fromkeys(found, "there")

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(OPEN, chain=chain(self.cluster))
