"""Inventories of a lab whose hosts have two networks, by the addresses they are to use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import yaml

from provision import lab
from provision.lab.paths import LabPaths
from support.lab.commands import CommandResult, invoke
from support.lab.host_state import root_shell

Choose = Callable[[lab.VirtualHost], str]


def inventory(folder: Path, address: Choose, **variables: object) -> str:
    """Write an inventory of the lab with other addresses; return its path."""
    paths = LabPaths.find()
    data = yaml.safe_load(paths.inventory.read_text())
    keys = {"ansible_ssh_private_key_file": paths.key, "known_hosts": paths.known_hosts}
    data["all"]["vars"] |= {name: str(path) for name, path in keys.items()}
    data["all"]["vars"] |= {"metrics": False, **variables}
    by_name = {f"node{n}": lab.VirtualHost(n) for n in (1, 2, 3)}
    for group in data["all"]["children"].values():
        for name, own in group["hosts"].items():
            own["address"] = address(by_name[name])
    file = folder / "lab.yml"
    file.write_text(yaml.safe_dump(data))
    return str(file)


def plan(file: str, *more: str) -> tuple[CommandResult, str]:
    """Return the output of `plan` in one line."""
    done = invoke("plan", "--inventory", file, *more)
    return done, " ".join(done.output.split())


def interface(host: lab.VirtualHost, address: str) -> str:
    """The interface that has *address*; Docker does not number them in the same order."""
    shown = root_shell(host.name, f"ip -o addr show to {address}")
    return shown.split()[1]


def second(host: lab.VirtualHost) -> str:
    return host.second_address


def second_ipv6(host: lab.VirtualHost) -> str:
    return host.second_address6
