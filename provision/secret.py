"""Where secrets come from: the environment, a file of the user's, or made here.

`secret('ray_token')` in a playbook is the variable `PROVISION_RAY_TOKEN` of the
environment if it is set, else the file `.provision/CLUSTER/ray_token` beside the
inventory. That file is made, with a random secret, when a run that changes hosts first
needs it. Values are `SecretStr`: they print as stars wherever they turn up.
"""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from provision.errors import SecretError

NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
BYTES = 32
NOT_YET = "(made by the first deploy)"
"""What a plan has in the place of a secret that does not exist yet."""


class Secrets:
    """The secrets of one cluster.

    Args:
        folder: where their files are.
        generate: whether a missing one is made.
        environment: looked in first.

    Attributes:
        values: all that were handed out, for the redactor.
    """

    def __init__(
        self,
        folder: Path,
        *,
        generate: bool,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._folder = folder
        self._generate = generate
        self._environment = environment
        self._known: dict[str, str] = {}

    @property
    def values(self) -> frozenset[str]:
        return frozenset(self._known.values()) - {NOT_YET}

    def __call__(self, name: object) -> SecretStr:
        """The secret called *name*.

        Raises:
            SecretError: the name is not one, or its file cannot be read or made.
        """
        if not isinstance(name, str) or not NAME.match(name):
            raise SecretError(
                f"not a name for a secret: {name!r}",
                hint="lower case letters, digits and underscores",
            )
        if name not in self._known:
            self._known[name] = self._find(name)
        return SecretStr(self._known[name])

    def place(self, name: str) -> str:
        """Where the secret *name* comes from, in words for a person."""
        variable = f"PROVISION_{name.upper()}"
        if self._environment.get(variable):
            return f"${variable}"
        return str(self._folder / name)

    def _find(self, name: str) -> str:
        if value := self._environment.get(f"PROVISION_{name.upper()}"):
            return value
        file = self._folder / name
        try:
            if not file.exists():
                if not self._generate:
                    return NOT_YET
                _make(file)
            return _read(file)
        except OSError as error:
            problem = f"the secret {name!r} cannot be read or made: {error}"
            hint = f"or set PROVISION_{name.upper()} in the environment"
            raise SecretError(problem, hint=hint) from error


def _read(file: Path) -> str:
    value = file.read_text("utf-8").strip()
    if not value:
        raise SecretError(
            "the file of the secret is empty",
            file=str(file),
            hint="remove it, then a new secret is made",
        )
    if file.stat().st_mode & 0o077:
        raise SecretError(
            "others may read the file of the secret",
            file=str(file),
            hint=f"chmod 600 {file}",
        )
    return value


def _make(file: Path) -> None:
    """Write a new secret; of two that do so at once, one wins and both read it."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w") as out:
            out.write(secrets.token_hex(BYTES) + "\n")
        try:
            os.link(part, file)
        except FileExistsError:
            return
    finally:
        Path(part).unlink()
