"""A proposal for an inventory: who is the head, by which address hosts reach each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from provision.config.inventory import Inventory
from provision.config.playbook import Play
from provision.engine import run as engine
from provision.engine.run import ClusterOptions
from provision.errors import HostError, OptionError, ProvisionError, RefusedError
from provision.model.result import Run
from provision.ray.doctor.look.facts import Facts, same_address
from provision.ray.doctor.look.survey import Survey
from provision.ray.start.hosts import NewHost

OWN_NETWORKS = ("lo", "docker", "br-", "veth", "virbr", "cni", "flannel")
"""Beginnings of names of interfaces that no other host reaches."""
ORDINARY = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


@dataclass(frozen=True, slots=True)
class ProposedHost:
    """A host with what was seen there.

    Attributes:
        name: of the host in the inventory.
        new: how it is connected to.
        facts: about it.
        address: where other hosts reach it; "" = where SSH connects to.
    """

    name: str
    new: NewHost
    facts: Facts
    address: str

    @property
    def gpus(self) -> int:
        """Number of GPUs that were seen there."""
        found = self.facts.gpus
        return len(found.gpus) or len(found.cards)


@dataclass(frozen=True, slots=True)
class Proposal:
    """The hosts of a new cluster.

    Attributes:
        cluster: its name.
        hosts: all of them.
        head: the name of the head.
    """

    cluster: str
    hosts: tuple[ProposedHost, ...]
    head: str

    def with_head(self, name: str) -> Proposal:
        """Return the proposal with another head.

        Raises:
            OptionError: there is no such host.
        """
        names = [host.name for host in self.hosts]
        if name not in names:
            raise OptionError(
                f"there is no host {name!r}", hint=f"the hosts are {', '.join(names)}"
            )
        return Proposal(self.cluster, self.hosts, name)


def connecting(
    hosts: Sequence[NewHost], known_hosts: Sequence[Path], password: str = ""
) -> Inventory:
    """Return an inventory with which *hosts* can be asked; it is written nowhere.

    Args:
        hosts: the hosts.
        known_hosts: files with their host keys.
        password: lets their users log in; "" = keys do.
    """
    more: dict[str, object] = {"known_hosts": [str(file) for file in known_hosts]}
    if password:
        # As it was typed: braces in it are no template.
        more["ansible_password"] = SecretStr(password)
    entries = {host.name: {**host.variables(), **more} for host in hosts}
    return Inventory.parse({"all": {"hosts": entries}}, cluster="init")


def propose(
    cluster: str,
    inventory: Inventory,
    hosts: Sequence[NewHost],
    options: ClusterOptions,
) -> Proposal:
    """Look at *hosts* and return a proposal.

    Args:
        cluster: the name of the new cluster.
        inventory: see `connecting`.
        hosts: those of it.
        options: for the run that looks.

    Raises:
        HostError: a host cannot be asked, or is another one of them once more.
        KeyboardInterrupt: the look was interrupted.
    """
    plays = [
        Play(play=f"look at {name}", hosts=name, become=True, steps=(Survey(),))
        for name in inventory.hosts
    ]
    run = engine.plan(inventory, plays, **options)
    if run.interrupted:
        raise KeyboardInterrupt
    looks = dict(_looks(run, {host.name: str(host) for host in hosts}))
    _refuse_clones(looks)
    proposed = list(_proposed(hosts, looks))
    return Proposal(cluster, tuple(proposed), _head(proposed))


def _looks(run: Run, shown: Mapping[str, str]) -> Iterator[tuple[str, Facts]]:
    """The facts of each host, by what a person calls it; the first error is raised."""
    for name, errors in run.errors.items():
        raise _named(shown[name], errors[0])
    for name, result in run.hosts.items():
        yield shown[name], Facts(shown[name], result.steps[0].observed)


def _named(name: str, error: ProvisionError) -> ProvisionError:
    """Return *error* with the host in its words: one line tells all."""
    if name.partition(":")[0] in error.message:
        return error
    made = type(error) if isinstance(error, HostError) else HostError
    try:
        return made(f"{name}: {error.message}", hint=error.hint)
    except TypeError:
        return error


def _refuse_clones(looks: Mapping[str, Facts]) -> None:
    for fact, what in (("machine_id", "/etc/machine-id"), ("host_key", "SSH host key")):
        first: dict[str, str] = {}
        for name, facts in looks.items():
            value = facts.get(fact)
            if value in first:
                raise RefusedError(
                    f"{first[value]} and {name} have the same {what}: they are one machine, "
                    "or one has a copy of the other's disk",
                    hint=f"name it once; or on {name}: rm /etc/machine-id "
                    "/etc/ssh/ssh_host_*; systemd-machine-id-setup; ssh-keygen -A; reboot",
                )
            if value:
                first[value] = name


def _proposed(
    hosts: Sequence[NewHost], looks: Mapping[str, Facts]
) -> Iterator[ProposedHost]:
    short = [
        looks[str(host)].get("hostname").partition(".")[0].lower() for host in hosts
    ]
    often = Counter(short)
    for host, name in zip(hosts, short, strict=True):
        good = name and often[name] == 1 and {*name} <= ORDINARY and name != "localhost"
        facts = looks[str(host)]
        chosen = name if good else host.name
        yield ProposedHost(chosen, host, facts, _address(host, facts))


def _address(host: NewHost, facts: Facts) -> str:
    """The address for other hosts; "" if that is where SSH connects to."""
    candidates = [
        address
        for device, address, _ in facts.addresses()
        if not device.startswith(OWN_NETWORKS) and not address.startswith("fe80")
    ]
    if any(same_address(host.host, one) for one in candidates) or not candidates:
        return ""
    return candidates[0]


def _head(hosts: Sequence[ProposedHost]) -> str:
    """The first host without GPUs, since those are for work; without such, the first."""
    bare = [host.name for host in hosts if not host.gpus]
    return (bare or [hosts[0].name])[0]
