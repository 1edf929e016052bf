"""The hosts a cluster was deployed to, remembered beside the inventory, with no secret.

So that those that have left the inventory can still be found, and be cleared away.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from provision.atomic_file import replace
from provision.config.inventory import Host, Inventory
from provision.errors import InventoryError

FILE = "hosts.json"
CONNECT = (
    *("ansible_host", "ansible_port", "ansible_user", "ansible_connection"),
    *("ansible_become", "ansible_private_key_file", "ansible_ssh_private_key_file"),
    *("ansible_ssh_common_args", "ansible_ssh_extra_args"),
    *("known_hosts", "host_key", "address"),
)
PLACES = ("data_dir", "programs_dir", "config_dir", "metrics_dir", "ray_drain_s")
"""Variables of the playbook that says what goes."""
LEFT = "left"
"""The group of the hosts that have left."""


def remember(inventory: Inventory, names: Iterable[str]) -> None:
    """Remember the hosts *names* of *inventory*, beside those of before."""
    known = _read(inventory)
    before = dict(known)
    for name in names:
        variables = inventory.hosts[name].vars
        plain = (str, int, float, bool, list)
        known[name] = {
            key: variables[key]
            for key in (*CONNECT, *PLACES)
            if isinstance(variables.get(key), plain)
        }
    if known != before:
        _write(inventory, known)


def forget(inventory: Inventory, names: Iterable[str]) -> None:
    """Forget the hosts *names*: there is nothing of ours on them."""
    known, gone = _read(inventory), set(names)
    if gone & known.keys():
        _write(inventory, {name: known[name] for name in known if name not in gone})


def left(inventory: Inventory) -> Inventory | None:
    """The remembered hosts that are not in *inventory* any more; None: there are none.

    They are the group `left` of what is returned; its group `head` is that of now, for
    the cluster's lock. A host that is there under another name has not left.

    Raises:
        InventoryError: what is remembered cannot be read.
    """
    known = _read(inventory)
    here = {place for host in inventory.hosts.values() for place in _places(host)}
    base = inventory.path.parent if inventory.path else Path()
    hosts = [Host(n, (LEFT,), v, FILE, base) for n, v in known.items()]
    gone = {
        host.name: host
        for host in hosts
        if host.name not in inventory.hosts and not here.intersection(_places(host))
    }
    if not gone:
        return None
    heads = {name: inventory.hosts[name] for name in inventory.groups.get("head", ())}
    groups = {"head": tuple(heads), LEFT: tuple(gone)}
    return Inventory(inventory.cluster, {**heads, **gone}, groups, inventory.path)


def _places(host: Host) -> tuple[object, object]:
    """Where a machine is reached: two hosts that share one are the same machine."""
    return (host.ssh_host, host.port), host.address


def _read(inventory: Inventory) -> dict[str, Mapping[str, Any]]:
    path = inventory.state_dir / FILE
    try:
        known = json.loads(path.read_text("utf-8"))
        return {name: dict(variables) for name, variables in known.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise InventoryError(
            f"the remembered hosts cannot be read: {error}",
            hint=f"remove {path}: then only hosts of later deploys are remembered",
        ) from error


def _write(inventory: Inventory, known: Mapping[str, Any]) -> None:
    text = json.dumps(known, indent=1, sort_keys=True) + "\n"
    try:
        replace(inventory.state_dir / FILE, text.encode())
    except OSError as error:
        raise InventoryError(
            f"the hosts of this deploy cannot be remembered: {error}",
            hint="without that `deploy --prune` cannot find those that leave",
        ) from error
