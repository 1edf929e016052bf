"""The hosts of a new inventory as a person names them: user@address:port."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from provision.errors import InputError, OptionError, raise_all

HOST = re.compile(
    r"(?:(?P<user>[A-Za-z0-9_][A-Za-z0-9_.-]*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.%a-z]+\]|[A-Za-z0-9][A-Za-z0-9._-]*)"
    r"(?::(?P<port>[0-9]{1,5}))?\Z"
)


@dataclass(frozen=True, slots=True)
class NewHost:
    """A host that is to be in an inventory.

    Attributes:
        user: who logs in; "" = what ssh_config says.
        host: the name or address that SSH connects to.
        port: SSH's port; 0 = what ssh_config says.
    """

    user: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if self.port else self.host

    @property
    def name(self) -> str:
        """A name without a colon, which would part it in a pattern."""
        return str(self).replace(":", "-")

    def variables(self) -> dict[str, str | int]:
        """Return the variables that say how to connect."""
        user = {"ansible_user": self.user} if self.user else {}
        port = {"ansible_port": self.port} if self.port else {}
        return {"ansible_host": self.host, **port, **user}


def read_hosts(words: Sequence[str]) -> list[NewHost]:
    """Return the hosts that *words* name.

    Raises:
        OptionError: there is none, one is named twice, or has another form (InputErrors:
            several of it).
    """
    if not words:
        raise OptionError(
            "no hosts were given", hint="name them: init admin@10.0.0.1 admin@10.0.0.2"
        )
    found: list[NewHost] = []
    errors: list[InputError] = []
    for word in words:
        match = HOST.match(word)
        port = int(match["port"] or 0) if match else 0
        if not match or port > 65535:
            errors.append(
                OptionError(
                    f"{word!r} is no host",
                    hint="write user@address or user@address:port",
                )
            )
            continue
        found.append(NewHost(match["user"] or "", match["host"].strip("[]"), port))
    raise_all([*errors, *_twice(found)])
    return found


def _twice(hosts: Sequence[NewHost]) -> Iterator[OptionError]:
    places = [str(host) for host in hosts]
    for place in dict.fromkeys(p for p in places if places.count(p) > 1):
        yield OptionError(
            f"the host {place} is given twice", hint="name each host once"
        )
