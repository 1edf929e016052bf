"""A host: its name, groups and merged variables, and how to reach it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from provision.config.inventory.connection_vars import flag, proxy_jump
from provision.secrets.store import hidden

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
    """

    name: str
    groups: tuple[str, ...] = ()
    vars: Mapping[str, Any] = field(default_factory=dict, repr=False)
    where: str = ""
    base: Path = field(default_factory=Path, repr=False)

    @property
    def ssh_host(self) -> str:
        """The name or address SSH connects to."""
        return str(self.vars.get("ansible_host") or self.name)

    @property
    def address(self) -> str:
        """Its address inside the cluster: `address`, else where SSH connects to."""
        return str(self.vars.get("address") or self.ssh_host)

    @property
    def port(self) -> int | None:
        """The port SSH connects to; None: what ssh_config says, or 22."""
        port = self.vars.get("ansible_port")
        return None if port is None else int(port)

    @property
    def user(self) -> str | None:
        """The login user; None: ssh_config's, or the user of this program."""
        user = self.vars.get("ansible_user")
        return str(user) if user else None

    @property
    def key_file(self) -> Path | None:
        """The private key to log in with."""
        names = ("ansible_ssh_private_key_file", "ansible_private_key_file")
        found = [self.vars[name] for name in names if self.vars.get(name)]
        return self._path(found[0]) if found else None

    @property
    def password(self) -> SecretStr | None:
        """The password to log in with, if no key will do."""
        return self._secret("ansible_password", "ansible_ssh_pass")

    @property
    def become_password(self) -> SecretStr | None:
        """The password sudo may ask for."""
        return self._secret("ansible_become_password", "ansible_become_pass")

    @property
    def become(self) -> bool:
        """True if plays may act as root here; `ansible_become: false` forbids it."""
        return flag(self.vars.get("ansible_become", True))

    @property
    def connection(self) -> str:
        """`ssh` or `local`."""
        return str(self.vars.get("ansible_connection", "ssh"))

    @property
    def proxy_jump(self) -> str | None:
        """The jump hosts of `ansible_ssh_common_args`, as ssh takes them."""
        return proxy_jump(self.vars)

    @property
    def host_key(self) -> str | None:
        """The host's public key, `TYPE BASE64`, pinned in the inventory."""
        return self.vars.get("host_key")

    @property
    def known_hosts(self) -> tuple[Path, ...]:
        """The inventory's own known_hosts files; the first is where to add keys.

        Unless the variable `known_hosts` names others: the one beside the inventory.
        """
        files = self.vars.get("known_hosts") or KNOWN_HOSTS
        named = [files] if isinstance(files, str) else files
        return tuple(self._path(name) for name in named)

    @property
    def file(self) -> str:
        """The inventory's file; "" when it was made in Python."""
        return re.sub(r":\d+\Z", "", self.where)

    @property
    def secrets(self) -> Iterator[str]:
        """Values that nothing may print."""
        yield from hidden(self.vars)
        for secret in (self.password, self.become_password):
            if secret:
                yield secret.get_secret_value()

    def __str__(self) -> str:
        return self.name

    def _path(self, name: str) -> Path:
        return self.base / Path(name).expanduser()

    def _secret(self, *names: str) -> SecretStr | None:
        found = [self.vars[name] for name in names if self.vars.get(name) is not None]
        if not found:
            return None
        first = found[0]
        return first if isinstance(first, SecretStr) else SecretStr(str(first))
