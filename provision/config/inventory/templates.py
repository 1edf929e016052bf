"""Templates in the variables that say how to connect, rendered for each host."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from provision.config.inventory.connection_vars import CHECKS
from provision.config.json_text import Unsafe
from provision.config.templating import Scope
from provision.errors import RenderError

MARKS = ("{{", "{%", "{#")
Hosts = Mapping[str, Mapping[str, Any]]


class Templates:
    """Renders connection variables.

    Args:
        hosts: the variables of each host, merged.
        groups: the names of the hosts of each group.
        groups_of: the groups of each host.
        folder: the folder of the inventory.
    """

    def __init__(
        self,
        hosts: Hosts,
        groups: Mapping[str, tuple[str, ...]],
        groups_of: Mapping[str, tuple[str, ...]],
        folder: Path,
    ) -> None:
        self._hosts = hosts
        self._groups_of = groups_of
        self._scopes: dict[str, Scope] = {}
        self._given = {
            "groups": {name: list(members) for name, members in groups.items()},
            "hostvars": _HostVars(self),
            "inventory_dir": str(folder),
            "lookup": _lookup,
            "omit": None,
        }

    def rendered(self, host: str) -> Iterator[tuple[str, Any]]:
        """Yield the connection variables of *host* that are templates, rendered.

        Yields:
            The name and the value; a RenderError where there is none.
        """
        for name, value in self._hosts[host].items():
            if name in CHECKS and is_template(value):
                try:
                    yield name, self.scope(host).render(value)
                except RenderError as error:
                    yield name, error

    def scope(self, host: str) -> Scope:
        """Return the variables of *host*, and those that Ansible has for each."""
        if host not in self._scopes:
            about = {
                "inventory_hostname": host,
                "inventory_hostname_short": host.partition(".")[0],
                "group_names": sorted({*self._groups_of[host]} - {"all"}),
            }
            self._scopes[host] = Scope(self._hosts[host], {**self._given, **about})
        return self._scopes[host]

    @property
    def hosts(self) -> Hosts:
        """The variables of each host, merged."""
        return self._hosts


def is_template(value: Any) -> bool:
    """Return True if *value* is text that is to be rendered."""
    if not isinstance(value, str) or isinstance(value, Unsafe):
        return False
    return any(mark in value for mark in MARKS)


class _HostVars(Mapping[str, Any]):
    """`hostvars` in templates: the variables of the other hosts."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    def __getitem__(self, host: str) -> Mapping[str, Any]:
        if host not in self._templates.hosts:
            raise KeyError(host)
        return _Rendered(self._templates, host)

    def __iter__(self) -> Iterator[str]:
        return iter(self._templates.hosts)

    def __len__(self) -> int:
        return len(self._templates.hosts)


class _Rendered(Mapping[str, Any]):
    """The variables of one host, each rendered when it is asked for."""

    def __init__(self, templates: Templates, host: str) -> None:
        self._scope = templates.scope(host)
        self._variables = templates.hosts[host]

    def __getitem__(self, name: str) -> Any:
        if name not in self._variables:
            raise KeyError(name)
        return self._scope.value(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)


def _lookup(plugin: str, *names: str, **options: Any) -> str:
    """`lookup('env', 'NAME')`, the one plugin that connecting needs."""
    if plugin not in ("env", "ansible.builtin.env"):
        raise RenderError(f"the lookup {plugin!r} is not there", hint="only `env` is")
    default = str(options.get("default", ""))
    return ",".join(os.environ.get(name, default) for name in names)
