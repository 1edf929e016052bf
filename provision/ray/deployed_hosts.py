"""The hosts a cluster was deployed to, recorded beside the inventory, without secrets.

Hosts that have left the inventory are found by it, and can be cleared.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from provision.atomic_file import replace
from provision.config.inventory import Host, Inventory
from provision.errors import InventoryError
from provision.ray.head import HEAD, node_names

FILE = "hosts.json"
CONNECT = (
    *("ansible_host", "ansible_port", "ansible_user", "ansible_connection"),
    *("ansible_become", "ansible_private_key_file"),
    *("ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args"),
    *("known_hosts", "host_key", "address"),
)
PLACES = ("data_dir", "programs_dir", "config_dir", "metrics_dir", "ray_drain_s")
"""Variables that the playbook `prune` needs."""
OWN = ("ansible_host", "ansible_connection", "host_key", "address")
"""Variables that say something about one host, also where only one host has them."""
LEFT = "left"
"""Group of the hosts that have left the inventory."""


def record(inventory: Inventory, names: Iterable[str]) -> None:
    """Add the hosts *names* of *inventory* to the record.

    Raises:
        InventoryError: the record cannot be read or written.
    """
    known = _read(inventory)
    before = dict(known)
    for name in names:
        settings = inventory.hosts[name].settings((*CONNECT, *PLACES))
        plain = (str, int, float, bool, list)
        known[name] = {
            key: value for key, value in settings.items() if isinstance(value, plain)
        }
    if known != before:
        _write(inventory, known)


def forget(inventory: Inventory, names: Iterable[str]) -> None:
    """Remove the hosts *names* from the record: they have been cleared.

    Raises:
        InventoryError: the record cannot be read or written.
    """
    known, cleared = _read(inventory), set(names)
    if cleared & known.keys():
        rest = {name: known[name] for name in known if name not in cleared}
        _write(inventory, rest)


def left(inventory: Inventory, members: Iterable[str] = ()) -> Inventory | None:
    """Return the hosts that are not in *inventory*; None if there are none.

    They are the group `left` of the result; its group `head` is that of *inventory*, for
    the cluster's lock. A host that is in the inventory under another name has not left.

    Args:
        inventory: the cluster as it is to be.
        members: addresses of nodes that Ray has, which the record may lack: the cluster
            was deployed from another folder, or the node was joined by hand.

    Raises:
        InventoryError: the record cannot be read.
    """
    known = _read(inventory)
    present = {a for host in inventory.hosts.values() for a in _addresses(host)}
    base = inventory.path.parent if inventory.path else Path()
    named = next((host.inventory for host in inventory.hosts.values()), ())
    hosts = [
        Host(name, (LEFT,), variables, FILE, base, inventory=named)
        for name, variables in known.items()
    ]
    recorded = {host.address for host in hosts}
    hosts += [
        Host(address, (LEFT,), variables, "a node of Ray", base, inventory=named)
        for address, variables in _unrecorded(inventory, members, recorded).items()
    ]
    former = {
        host.name: host
        for host in hosts
        if host.name not in inventory.hosts
        and not present.intersection(_addresses(host))
    }
    if not former:
        return None
    heads = inventory.groups.get(HEAD, ())
    kept = dict.fromkeys([*heads, inventory.lock_host([HEAD]).name])
    hosts_by_name = {name: inventory.hosts[name] for name in kept} | former
    groups = {HEAD: heads, LEFT: tuple(former)}
    return Inventory(
        cluster=inventory.cluster,
        hosts=hosts_by_name,
        groups=groups,
        path=inventory.path,
        credentials=inventory.credentials,
    )


def _unrecorded(
    inventory: Inventory, members: Iterable[str], recorded: set[str]
) -> dict[str, dict[str, Any]]:
    """The variables of each of *members* that is not *recorded*, by its address.

    Nothing but its address is known, so it is reached as all nodes of *inventory* are, and
    never without SSH: a local connection would clear this machine.
    """
    names = (*CONNECT, *PLACES)
    rows = [inventory.hosts[name].settings(names) for name in node_names(inventory)]
    shared = {
        name: value
        for name, value in (rows[0] if rows else {}).items()
        if name not in OWN and all(row.get(name) == value for row in rows)
    }
    return {
        address: {**shared, "ansible_host": address}
        for address in members
        if address not in recorded and not ip_address(address).is_loopback
    }


def _addresses(host: Host) -> tuple[object, object]:
    """Addresses of a machine: two hosts that share one are the same machine."""
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
            f"the record of deployed hosts {path} cannot be read: {error}",
            hint=f"remove {path}; the next deploy makes a new one, and hosts that have "
            "left the inventory before are no longer found by `deploy --prune`",
        ) from error


def _write(inventory: Inventory, known: Mapping[str, Any]) -> None:
    text = json.dumps(known, indent=1, sort_keys=True) + "\n"
    try:
        replace(inventory.state_dir / FILE, text.encode())
    except OSError as error:
        raise InventoryError(
            f"the deployed hosts cannot be recorded in {inventory.state_dir}: {error}",
            hint="make that folder writable and deploy again; without the record "
            "`deploy --prune` does not find hosts that leave the inventory",
        ) from error
