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
import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from provision.atomic_file import make, replace
from provision.errors import SecretError
from provision.secrets.credentials import Credentials

NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
BYTES = 32

CERTIFICATES = "tls"
"""The folder of certificates, among the files of secrets; see `certificates`."""


def placeholder(name: str) -> str:
    """Return the text that stands for the secret *name* in a plan, as it does not exist yet."""
    return f"({name}: made by the first deploy)"


class SecretMode(Enum):
    """The treatment of a secret that is not there."""

    READ = "read"
    """A placeholder stands for it; no file is written."""
    GENERATE = "generate"
    """It is made, and kept in a file."""


class Secrets:
    """The secrets of one cluster.

    Args:
        folder: where their files are.
        mode: what is done about one that is not there.
        credentials: has the environment, which is looked in first, and asks a person
            for what cannot be made up.
        recovered: values that the cluster has of secrets that are missing here. They
            are used instead of a placeholder, and kept instead of a new value.
    """

    def __init__(
        self,
        folder: Path,
        mode: SecretMode,
        credentials: Credentials,
        *,
        recovered: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.mode = mode
        self._credentials = credentials
        self._recovered = recovered or {}
        self._known: dict[str, str] = {}
        self._missing: set[str] = set()
        self._made: list[Path] = []
        self._hidden: set[str] = set()

    @property
    def missing(self) -> frozenset[str]:
        """Those that were asked for and are not there."""
        return frozenset(self._missing)

    @property
    def values(self) -> frozenset[str]:
        """All that were handed out, for the redactor."""
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
                return self.note_missing(name)
            self._known[name] = found
        return SecretStr(self._known[name])

    def note_missing(self, name: str) -> SecretStr:
        """Count *name* among those that are missing; return its placeholder."""
        self._missing.add(name)
        return SecretStr(placeholder(name))

    def add(self, values: Iterable[str], files: Iterable[Path]) -> None:
        """Count *values* among those handed out, and *files* among those made for it."""
        self._hidden.update(values)
        self._made.extend(files)

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
        with _as_secret_error(name):
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
        with _as_secret_error(name):
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
        with _as_secret_error(name):
            (self.folder / name).unlink(missing_ok=True)
        self._known.pop(name, None)

    def _given_by(self, name: str) -> str:
        """The variable of the environment that has the secret *name*, or its file."""
        variable = f"PROVISION_{name.upper()}"
        given = (variable, f"{variable}_FILE")
        environment = self._credentials.environment
        return next((one for one in given if environment.get(one)), "")

    def _find(self, name: str, generate: bool) -> str | None:
        given, file = self._given_by(name), self.folder / name
        if given and not given.endswith("_FILE"):
            return self._credentials.environment[given]
        with _as_secret_error(name):
            if given:
                path = Path(self._credentials.environment[given])
                return _content(path.expanduser())
            if file.exists():
                return _read(file)
            return self._made_up(name) if generate else None

    def _made_up(self, name: str) -> str | None:
        """The value of a secret that is not here: the cluster's, else in some modes a new one."""
        value = self._recovered.get(name)
        if self.mode is SecretMode.READ:
            return value
        file = self.folder / name
        if value:
            make(file, _line(value))
        else:
            self._generate(file)
        return _read(file)

    def _generate(self, file: Path) -> None:
        value = new_secret()
        make(file, _line(value))
        if _content(file) == value:  # of two that do so at once, the other may win
            self._made.append(file)

    def _ask(self, name: str) -> str:
        variable = f"PROVISION_{name.upper()}"
        hint = f"set {variable} in the environment, or {variable}_FILE to its file"
        answer = self._credentials.ask(f"secret {name}: ")
        if answer is None:
            problem = f"the secret {name!r} is not there, and cannot be made up"
            raise SecretError(problem, hint=hint)
        if not answer:
            problem = f"nothing was typed for the secret {name!r}"
            raise SecretError(problem, hint=hint)
        return answer

    def discard_new(self) -> None:
        """Remove what was made, since nothing of it has got to a host.

        The next run then asks the cluster first: it may have others by then.
        """
        for file in self._made:
            with contextlib.suppress(OSError):
                file.unlink()
        self._made.clear()


@contextlib.contextmanager
def _as_secret_error(name: str) -> Iterator[None]:
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
