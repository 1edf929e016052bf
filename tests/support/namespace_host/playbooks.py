"""Playbooks that are run on hosts in mount namespaces."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from provision.engine.change_control.audit import Audit
from provision.engine.run import prepare
from provision.engine.runner import execute
from provision.errors import OptionError
from provision.model.events import Event, StepChanged, StepFailed, StepOk, StepPlanned
from provision.model.mode import Mode
from provision.testing import FakeTransport
from support.apt_host import AptHost
from support.namespace_host.host import NamespaceHost

YamlStep = dict[str, Any]
Fields = frozenset[str]
Outcomes = dict[tuple[str, str], Fields | None]
"""The fields that differ, by host and step; None = the step failed."""
ENV = {key: value for key, value in os.environ.items() if key != "PROVISION_MANIFEST"}
"""A host has its own manifest, where this machine's would be."""
HOSTS = ("node1", "node2", "node3")


class Lab:
    """Hosts and the folder of the inventories and playbooks that are run on them."""

    def __init__(self, folder: Path, hosts: Mapping[str, NamespaceHost]) -> None:
        self.hosts = hosts
        self._folder = folder
        self._transports = {
            name: FakeTransport(shell=host.shell, env=ENV)
            for name, host in hosts.items()
        }

    def run(self, mode: Mode, playbook: list[YamlStep], count: int) -> Outcomes:
        """Run *playbook* on the first *count* hosts."""
        names = HOSTS[:count]
        entries = {name: {"address": f"192.0.2.{name[-1]}"} for name in names}
        groups: dict[str, Any] = {
            group: {"hosts": {name: {} for name in members}}
            for group, members in (("first", names[:1]), ("rest", names[1:]))
        }
        inventory = {"all": {"hosts": entries, "children": groups}}
        (self._folder / "lab.yml").write_text(yaml.safe_dump(inventory))
        plays = [{"play": f"play {i}", **play} for i, play in enumerate(playbook)]
        (self._folder / "book.yml").write_text(yaml.safe_dump(plays))
        try:
            run = prepare(mode, self._folder / "lab.yml", self._folder / "book.yml", {})
        except OptionError:  # no host is meant by any of its plays
            return {}
        events: list[Event] = []
        execute(
            run.bound,
            run.inventory,
            mode=mode,
            forks=3,
            report=events.append,
            interrupted=threading.Event(),
            audit=Audit(run.inventory.cluster),
            outcome=lambda: 0,
            connect=lambda host: self._transports[host.name],
        )
        return outcomes(events)


def outcomes(events: list[Event]) -> Outcomes:
    found: Outcomes = {}
    for event in events:
        match event:
            case StepFailed():
                found[event.host, f"{event.play}/{event.step}"] = None
            case StepOk():
                found[event.host, f"{event.play}/{event.step}"] = frozenset()
            case StepPlanned() | StepChanged():
                fields = frozenset(change.field for change in event.changes)
                found[event.host, f"{event.play}/{event.step}"] = fields
    return found


def numbered(playbook: list[YamlStep]) -> list[YamlStep]:
    """Return *playbook* with a name for each step, none of them twice."""
    return [
        {
            **play,
            "steps": [
                {**step, "name": f"{number} {next(iter(step))}"}
                for number, step in enumerate(play["steps"])
            ],
        }
        for play in playbook
    ]


@contextlib.contextmanager
def lab_of(
    count: int, *, has_systemd: bool = True, apt: AptHost | None = None
) -> Iterator[Lab]:
    """Make *count* hosts, which may install the packages of *apt*."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        hosts = {}
        for name in HOSTS[:count]:
            host = NamespaceHost(folder / name, has_systemd=has_systemd)
            hosts[name] = stack.enter_context(host)
            if apt:
                host.bring(apt)
        yield Lab(folder, hosts)
