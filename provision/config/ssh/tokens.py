"""Tokens such as `%h`, variables as `${HOME}` and `~` in the values of ssh_config."""

from __future__ import annotations

import hashlib
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

TOKEN = re.compile(r"%(.?)", re.DOTALL)
VARIABLE = re.compile(r"\$\{([^}]*)\}")
IN_COMMANDS = "%hnpr"
"""The tokens that ProxyCommand and ProxyJump have; the others are for paths."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The values of the tokens, by their letters."""

    values: Mapping[str, str]

    @classmethod
    def of(
        cls,
        name: str,
        host: str,
        port: int,
        user: str,
        local_user: str,
        *,
        jump: str,
        alias: str,
    ) -> Self:
        """Return the tokens of a connection to *host*, which the person calls *name*."""
        here, jump_host = socket.gethostname(), _jump_host(jump)
        together = f"{here}{host}{port}{user}{jump_host}".encode(errors="replace")
        return cls(
            {
                "C": hashlib.sha1(together, usedforsecurity=False).hexdigest(),
                "d": str(Path.home()),
                "h": host,
                "i": str(os.getuid()),
                "j": jump_host,
                "k": alias or name,
                "L": here.partition(".")[0],
                "l": here,
                "n": name,
                "p": str(port),
                "r": user,
                "u": local_user,
            }
        )

    def text(self, value: str) -> str:
        """Return *value* with its tokens replaced.

        Raises:
            ValueError: there is no such token.
        """

        def replaced(found: re.Match[str]) -> str:
            letter = found[1]
            if letter != "%" and letter not in self.values:
                raise ValueError(f"unknown token %{letter} in {value!r}")
            return "%" if letter == "%" else self.values[letter]

        return TOKEN.sub(replaced, value)

    def command(self, value: str) -> str:
        """Return *value* with the tokens that commands have replaced; see `text`."""
        few = {key: text for key, text in self.values.items() if key in IN_COMMANDS}
        return Tokens(few).text(value)

    def path(self, value: str) -> str:
        """Return *value* with tokens, variables and a leading `~` replaced.

        Raises:
            ValueError: there is no such token or user, or a variable is not set.
        """
        return self.text(_variables(_in_home(value)))


def _in_home(value: str) -> str:
    if not value.startswith("~"):
        return value
    try:
        return str(Path(value).expanduser())
    except RuntimeError as error:
        raise ValueError(f"there is no such user as in {value!r}") from error


def _variables(value: str) -> str:
    def replaced(found: re.Match[str]) -> str:
        if (text := os.environ.get(found[1])) is None:
            raise ValueError(f"the variable {found[1]} in {value!r} is not set")
        # Its text is no place for tokens.
        return text.replace("%", "%%")

    return VARIABLE.sub(replaced, value)


def _jump_host(jump: str) -> str:
    """Return the host of the last of the jumps, without user and port."""
    last = jump.rpartition(",")[2].removeprefix("ssh://").rpartition("@")[2]
    return re.sub(r":\d+\Z", "", last)
