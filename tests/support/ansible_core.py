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
from ansible.parsing.vault import VaultSecret, VaultSecretsContext
from ansible.vars.manager import VariableManager
from pydantic import SecretStr

from provision.config.inventory import Inventory
from provision.config.inventory.connection_vars import TEXTS

PASSWORD = b"vault-password"
"""Decrypts all that is encrypted; Ansible takes one for a process."""
SECRETS = [("default", VaultSecret(PASSWORD))]
VaultSecretsContext.initialize(VaultSecretsContext(SECRETS))
Groups = Mapping[str, Sequence[str]]
Variables = Mapping[str, Mapping[str, Any]]


class RefusedError(Exception):
    """Ansible does not load it, or not all of it."""


def read(sources: Sequence[Path]) -> tuple[Groups, Variables]:
    """Return the hosts of each group, and the merged variables of each host.

    Raises:
        RefusedError: see there.
    """
    loader = DataLoader()
    loader.set_vault_secrets(SECRETS)
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


def _plain(value: Any) -> Any:
    """*value* so that two are equal only if they are of the same type as well."""
    if isinstance(value, SecretStr):
        return _plain(value.get_secret_value())
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, set | list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bool | int | float):
        kinds = (kind for kind in (bool, int, float) if isinstance(value, kind))
        return next(kinds), value
    return value if value is None else str(value)


def compared(inventory: Inventory, sources: Sequence[Path]) -> tuple[Any, Any]:
    """Groups and variables of *inventory*, and those of *sources* as Ansible has them.

    Raises:
        RefusedError: Ansible does not load it.
    """
    return _ours(inventory), _theirs(inventory, *read(sources))


def _ours(inventory: Inventory) -> tuple[Any, Any]:
    variables = {
        name: _plain(dict(host.vars)) for name, host in inventory.hosts.items()
    }
    return {name: set(hosts) for name, hosts in inventory.groups.items()}, variables


def _theirs(inventory: Inventory, groups: Groups, found: Variables) -> tuple[Any, Any]:
    variables = {name: _plain(dict(values)) for name, values in found.items()}
    for name, values in variables.items():
        ours = inventory.hosts[name].vars if name in inventory.hosts else {}
        for text in TEXTS & values.keys():
            # What connects is read as it was written, where YAML makes a number of it.
            if isinstance(ours.get(text), str) and not isinstance(values[text], str):
                values[text] = ours[text]
    return {name: set(hosts) for name, hosts in groups.items()}, variables
