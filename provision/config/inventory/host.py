"""A host: its name, groups and merged variables, and how to reach it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from provision.config.inventory.connection_vars import (
    LOCAL,
    first,
    flag,
)
from provision.config.ssh import SshRequest, arguments
from provision.config.yaml_source import Place
from provision.secrets.store import hidden
from provision.steps.network.address import canonical

ARGS = ("ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args")
KNOWN_HOSTS = "known_hosts"


@dataclass(frozen=True, slots=True, eq=False)
class Host:
    """One machine of the inventory.

    Attributes:
        name: what it is called in the inventory and in reports.
        groups: all groups it belongs to.
        vars: its variables, merged.
        where: `file:line` of the inventory.
        base: the folder that relative paths in its variables start from.
        rendered: the connection variables that are templates, rendered.
        inventory: the inventories it is in, as options of a command name them.
        places: where its variables are set, by their names.
    """

    name: str
    groups: tuple[str, ...] = ()
    vars: Mapping[str, Any] = field(default_factory=dict, repr=False)
    where: str = ""
    base: Path = field(default_factory=Path, repr=False)
    rendered: Mapping[str, Any] = field(default_factory=dict, repr=False)
    inventory: tuple[str, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict, repr=False)

    @property
    def ssh_host(self) -> str:
        """The name or address SSH connects to."""
        return str(self._setting("ansible_host") or self.name)

    @property
    def address(self) -> str:
        """Its address inside the cluster: `address`, else where SSH connects to."""
        return canonical(str(self._setting("address") or self.ssh_host))

    @property
    def port(self) -> int | None:
        """The port SSH connects to; None: what ssh_config says, or 22."""
        port = self._setting("ansible_port")
        return None if port is None else int(port)

    @property
    def user(self) -> str | None:
        """The login user; None: ssh_config's, or the user of this program."""
        user = self._setting("ansible_user")
        return None if user is None else str(user)

    @property
    def key_file(self) -> Path | None:
        """The private key to log in with."""
        found = self._setting("ansible_private_key_file")
        return None if found is None else self._path(str(found))

    @property
    def password(self) -> SecretStr | None:
        """The password to log in with, if no key will do."""
        return self._secret("ansible_password")

    @property
    def become_password(self) -> SecretStr | None:
        """The password sudo may ask for."""
        return self._secret("ansible_become_password")

    @property
    def become(self) -> bool:
        """True if plays may act as root here; `ansible_become: false` forbids it."""
        found = self._setting("ansible_become")
        return True if found is None else flag(found)

    @property
    def connection(self) -> str:
        """`ssh` or `local`."""
        local = self._setting("ansible_connection") in LOCAL
        return "local" if local else "ssh"

    @property
    def ssh_request(self) -> SshRequest:
        """The question how to reach it: Ansible puts its own arguments in this order."""
        before, *later = (arguments(str(self._setting(name) or "")) for name in ARGS)
        port = [f"Port {self.port}"] if self.port else []
        user = [f'User "{self.user}"'] if self.user else []
        lines = (*before.lines, *port, *user, *(n for one in later for n in one.lines))
        files = [one.file for one in (before, *later) if one.file]
        return SshRequest(
            self.ssh_host, lines, files[-1] if files else None, self.where
        )

    @property
    def host_key(self) -> str | None:
        """The host's public key, `TYPE BASE64`, pinned in the inventory."""
        found: str | None = self._setting("host_key")
        return found

    @property
    def known_hosts(self) -> tuple[Path, ...]:
        """The inventory's own known_hosts files; the first is where to add keys.

        Unless the variable `known_hosts` names others: the one beside the inventory.
        """
        files = self._setting("known_hosts") or KNOWN_HOSTS
        named = [files] if isinstance(files, str) else files
        return tuple(self._path(name) for name in named)

    @property
    def secrets(self) -> Iterator[str]:
        """Values that nothing may print."""
        yield from hidden({**self.vars, "rendered": dict(self.rendered)})
        for secret in (self.password, self.become_password):
            if secret:
                yield secret.get_secret_value()

    def __str__(self) -> str:
        return self.name

    def _path(self, name: str) -> Path:
        return self.base / Path(name).expanduser()

    @property
    def inventory_options(self) -> str:
        """The options of a command that name the inventory; "" if there is none."""
        return " ".join(f"--inventory {shlex.quote(name)}" for name in self.inventory)

    def settings(self, names: Iterable[str]) -> dict[str, Any]:
        """Return those of the variables *names* that are set, rendered.

        A setting that has an older name is returned under its own.
        """
        found = ((name, self._setting(name)) for name in names)
        return {name: value for name, value in found if value is not None}

    def _setting(self, name: str) -> Any:
        return first(name, {**self.vars, **self.rendered})

    def _secret(self, name: str) -> SecretStr | None:
        found = self._setting(name)
        if found is None or isinstance(found, SecretStr):
            return found
        return SecretStr(str(found))
