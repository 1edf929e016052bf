"""The hosts that a person names on the command line."""

from __future__ import annotations

from provision.config.inventory import Host, Inventory
from provision.errors import InventoryError, OptionError
from provision.transport.connect import check_ssh_settings


def chosen(inventory: Inventory, pattern: str) -> list[Host]:
    """Return the hosts that *pattern* chooses; all if it is "".

    Raises:
        OptionError: it chooses none, or is no pattern.
        InputErrors: what ssh_config says about one of them cannot be used.
    """
    try:
        names = inventory.select(pattern) if pattern else [*inventory.hosts]
    except InventoryError as error:
        raise OptionError(error.message, hint=error.hint) from error
    if not names:
        raise OptionError(f"{pattern!r} chooses no host of the inventory")
    hosts = [inventory.hosts[name] for name in names]
    check_ssh_settings(hosts)
    return hosts


def chosen_one(inventory: Inventory, name: str) -> Host:
    """Return the one host that *name* chooses.

    Raises:
        OptionError: it chooses none, or several.
    """
    hosts = chosen(inventory, name)
    if len(hosts) > 1:
        names = ", ".join(host.name for host in hosts[:5])
        raise OptionError(f"{name!r} chooses several hosts: {names}", hint="name one")
    return hosts[0]
