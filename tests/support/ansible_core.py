"""Inventories as ansible-core reads them, in this process, to compare with."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Read when Ansible is imported: a source that fails is an error, as it should be.
os.environ |= {
    "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
    "ANSIBLE_DEPRECATION_WARNINGS": "false",
    "ANSIBLE_NOCOLOR": "true",
}

from ansible import constants
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultSecret
from ansible.vars.manager import VariableManager

Groups = Mapping[str, Sequence[str]]
Variables = Mapping[str, Mapping[str, Any]]


class RefusedError(Exception):
    """Ansible does not load it, or not all of it."""


def read(sources: Sequence[Path], password: bytes = b"") -> tuple[Groups, Variables]:
    """Return the hosts of each group, and the merged variables of each host.

    Raises:
        RefusedError: see there.
    """
    loader = DataLoader()
    loader.set_vault_secrets([("default", VaultSecret(password))])
    try:
        inventory = InventoryManager(loader, [str(source) for source in sources])
        manager = VariableManager(loader, inventory)
        found = {
            name: manager.get_vars(host=host, include_hostvars=False, stage="all")
            for name, host in inventory.hosts.items()
        }
    except (AnsibleError, ValueError, TypeError) as error:
        raise RefusedError(str(error)) from error
    internal = {*constants.INTERNAL_STATIC_VARS}
    hosts = {
        name: {key: value for key, value in variables.items() if key not in internal}
        for name, variables in found.items()
    }
    groups = {
        name: [host.name for host in group.get_hosts()]
        for name, group in inventory.groups.items()
    }
    return groups, hosts
