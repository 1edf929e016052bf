"""Sources of secrets: the environment, a file, a prompt, or a new random value.

`secret('api_token')` in a playbook is the variable `PROVISION_API_TOKEN` of the
environment if it is set, else the content of the file that `PROVISION_API_TOKEN_FILE`
names, else of `.provision/CLUSTER/api_token` beside the inventory. That file is made when
a run that changes hosts first needs it: with the secret that the cluster has already
(`engine/secret_recovery.py`), else with a random one. One that cannot be made up is
prompted for on the terminal: `secret('registry_password', generate=false)`. Values are
`SecretStr`, which print as stars.
"""

from __future__ import annotations

import contextlib
import functools
import getpass
import hashlib
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from provision.atomic_file import make, replace
from provision.errors import SecretError

NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
BYTES = 32

CERTIFICATES = "tls"
"""The folder of certificates, among the files of secrets; see `certificates`."""


def placeholder(name: str) -> str:
    """Return the text that stands for the secret *name* in a plan, as it does not exist yet."""
    return f"({name}: made by the first deploy)"


class Secrets:
    """The secrets of one cluster.

    Args:
        folder: where their files are.
        generate: whether a missing one is made.
        environment: looked in first.
        ask: asks a person for a secret by its name.

    Attributes:
        generate: the same, and may be set later.
        missing: those that were asked for and are not there.
        made: files that did not exist before; what is in them is nowhere else yet.
        values: all that were handed out, for the redactor.
    """

    def __init__(
        self,
        folder: Path,
        *,
        generate: bool,
        environment: Mapping[str, str] = os.environ,
        ask: Callable[[str], str] | None = None,
    ) -> None:
        self.folder = folder
        self.generate = generate
        self.missing: set[str] = set()
        self.made: list[Path] = []
        self._environment = environment
        self._ask = ask or _typed
        self._known: dict[str, str] = {}
        self._hidden: set[str] = set()

    @property
    def values(self) -> frozenset[str]:
        return frozenset(self._known.values()) | self._hidden

    def __call__(self, name: object, *, generate: bool = True) -> SecretStr:
        """The secret called *name*.

        Args:
            name: lower case letters, digits and underscores.
            generate: make it if there is none; False: a person must know it.

        Raises:
            SecretError: the name is not one, its file cannot be read or made, or nobody
                is there to ask.
        """
        if not isinstance(name, str) or not NAME.match(name):
            raise SecretError(
                f"not a name for a secret: {name!r}",
                hint="lower case letters, digits and underscores",
            )
        if name not in self._known:
            found = self._find(name, generate) or ("" if generate else self._ask(name))
            if not found:
                self.missing.add(name)
                return SecretStr(placeholder(name))
            self._known[name] = found
        return SecretStr(self._known[name])

    def hide(self, values: Iterable[str]) -> None:
        """Count *values* among those that were handed out."""
        self._hidden.update(values)

    def take_over(self, name: str, value: str, *, keep: bool) -> None:
        """Use *value* for the missing secret *name*; with *keep*, also in later runs.

        Raises:
            SecretError: its file cannot be made.
        """
        with self._told(name):
            if keep:
                make(self.folder / name, _line(value))
                value = _read(self.folder / name)
        self._known[name] = value

    def replace(self, name: str, value: str) -> None:
        """Write *value* over the file of the secret *name*.

        Raises:
            SecretError: it comes from the environment, or cannot be written.
        """
        if given := self._given_by(name):
            raise SecretError(
                f"the secret {name!r} comes from the environment",
                hint=f"change it there ({given}), then deploy",
            )
        with self._told(name):
            self._retire(name)
            replace(self.folder / name, _line(value))
        self._known[name] = value

    def digest(self, name: str) -> str:
        """Return a fingerprint that does not reveal the secret *name*."""
        return digest(self(name).get_secret_value())

    def retired(self, name: str) -> list[str]:
        """The digests of what *name* was here before each `replace`.

        Raises:
            SecretError: their file cannot be read.
        """
        now = digest(self._find(name, generate=False) or "")
        with self._told(name):
            return [one for one in self._retired(name) if one != now]

    def _retired(self, name: str) -> list[str]:
        file = self._list_of_retired(name)
        return file.read_text("ascii").split() if file.exists() else []

    def _retire(self, name: str) -> None:
        """Note what *name* is now as one that it was before."""
        file = self.folder / name
        if file.exists():
            known = dict.fromkeys([*self._retired(name), digest(_content(file))])
            replace(self._list_of_retired(name), _line("\n".join(known)))

    def _list_of_retired(self, name: str) -> Path:
        return self.folder / f"{name}.retired"

    def place(self, name: str) -> str:
        """Return the source of the secret *name*, for messages."""
        given = self._given_by(name)
        return f"${given}" if given else str(self.folder / name)

    def remove(self, name: str) -> None:
        """Remove the file of the secret *name*.

        Raises:
            SecretError: it cannot be removed.
        """
        with self._told(name):
            (self.folder / name).unlink(missing_ok=True)
        self._known.pop(name, None)

    def _given_by(self, name: str) -> str:
        """The variable of the environment that has the secret *name*, or its file."""
        variable = f"PROVISION_{name.upper()}"
        given = (variable, f"{variable}_FILE")
        return next((one for one in given if self._environment.get(one)), "")

    def _find(self, name: str, generate: bool) -> str | None:
        given, file = self._given_by(name), self.folder / name
        if given and not given.endswith("_FILE"):
            return self._environment[given]
        with self._told(name):
            if given:
                return _content(Path(self._environment[given]).expanduser())
            if not file.exists():
                if not (self.generate and generate):
                    return None
                self._make(file)
            return _read(file)

    def _make(self, file: Path) -> None:
        value = new_secret()
        make(file, _line(value))
        if _content(file) == value:  # of two that do so at once, the other may win
            self.made.append(file)

    def discard_new(self) -> None:
        """Remove what was made, since nothing of it has got to a host.

        The next run then asks the cluster first: it may have others by then.
        """
        for file in self.made:
            with contextlib.suppress(OSError):
                file.unlink()
        self.made.clear()

    @contextlib.contextmanager
    def _told(self, name: str) -> Iterator[None]:
        """Raise an error of the operating system as one about the secret *name*."""
        try:
            yield
        except OSError as error:
            problem = f"the secret {name!r} cannot be read or written: {error}"
            hint = f"or set PROVISION_{name.upper()} in the environment"
            raise SecretError(problem, hint=hint) from error


def new_secret() -> str:
    """A random secret."""
    return secrets.token_hex(BYTES)


def digest(secret: str) -> str:
    """Return a fingerprint that does not reveal *secret*: 16 hexadecimal digits."""
    data = secret.encode("utf-8", "surrogateescape")
    return hashlib.sha256(data).hexdigest()[:16]


def hidden(data: Any) -> Iterator[str]:
    """The secret values in *data*, at any depth."""
    if isinstance(data, SecretStr):
        yield data.get_secret_value()
    elif isinstance(data, Mapping):
        yield from hidden(list(data.values()))
    elif isinstance(data, list | tuple):
        for item in data:
            yield from hidden(item)


@functools.cache
def _typed(name: str) -> str:
    variable = f"PROVISION_{name.upper()}"
    hint = f"set {variable} in the environment, or {variable}_FILE to its file"
    if not sys.stdin.isatty():
        problem = f"the secret {name!r} is not there, and cannot be made up"
        raise SecretError(problem, hint=hint)
    try:
        value = getpass.getpass(f"secret {name}: ")
    except EOFError:
        value = ""
    if not value:
        raise SecretError(f"nothing was typed for the secret {name!r}", hint=hint)
    return value


def _content(file: Path) -> str:
    value = file.read_text("utf-8").strip()
    if not value:
        raise SecretError(
            "the file of the secret is empty",
            file=str(file),
            hint="put the secret into it, or remove it",
        )
    return value


def _read(file: Path) -> str:
    value = _content(file)
    if file.stat().st_mode & 0o077:
        raise SecretError(
            "others may read the file of the secret",
            file=str(file),
            hint=f"chmod 600 {file}",
        )
    return value


def _line(value: str) -> bytes:
    return f"{value}\n".encode()
