"""A host that comes into an inventory file, or goes: what is written means just that."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from yaml import YAMLError

from provision.atomic_file import replace
from provision.config.file_text import short_name
from provision.config.inventory.edit import ini_edit, yaml_edit
from provision.config.inventory.entries import Entries, HostEntry, VariableEntry
from provision.config.inventory.formats import yaml_file
from provision.config.inventory.formats.ini_file import IniFile
from provision.config.inventory.formats.names import HOST
from provision.config.inventory.formats.source_file import PROGRAM, YAML_ENDINGS
from provision.config.yaml_source import parse
from provision.errors import InputError, InventoryError

VAULT = "$ANSIBLE_VAULT"
HEADING = re.compile(r"\s*\[[^\]]+\]\s*(#.*)?\Z")


@dataclass(frozen=True)
class EditedFile:
    """An inventory file with another text, which is not written yet.

    Attributes:
        path: the file.
        before: the text that it has.
        after: the text that it is to have.
    """

    path: Path
    before: str
    after: str

    def diff(self) -> list[str]:
        """Return the lines that come and go, with some around them."""
        name = short_name(self.path)
        lines = difflib.unified_diff(
            self.before.splitlines(), self.after.splitlines(), name, name, lineterm=""
        )
        return list(lines)

    def write(self) -> None:
        """Write the new text, at once or not at all.

        Raises:
            InventoryError: it cannot be written, or the file has changed meanwhile.
        """
        self._replace(self.before, self.after)

    def put_back(self) -> None:
        """Write the old text again, if the new one is still there."""
        self._replace(self.after, self.before)

    def then(self, later: EditedFile) -> EditedFile:
        """Return both changes as one; *later* begins with what this one ends with."""
        return EditedFile(self.path, self.before, later.after)

    def _replace(self, expected: str, text: str) -> None:
        if _text_of(self.path) != expected:
            raise InventoryError(
                "somebody has changed it meanwhile",
                file=short_name(self.path),
                hint="try again",
            )
        target = self.path.resolve()
        try:
            mode = target.stat().st_mode & 0o777
            replace(target, text.encode(), mode)
        except OSError as error:
            raise InventoryError(
                f"cannot be written: {error.strerror}", file=short_name(self.path)
            ) from error


def with_host(
    paths: Iterable[Path],
    name: str,
    groups: Iterable[str],
    variables: Mapping[str, Any],
) -> EditedFile:
    """Return the inventory file with the host *name* in *groups*.

    Args:
        paths: of the inventory.
        name: the host, which is not in it.
        groups: the first gets its variables.
        variables: the host's own.

    Raises:
        InventoryError: the inventory is no single file that a person has written, or has
            no place for the host.
    """
    if not HOST.match(name):
        raise InventoryError(f"{name!r} cannot be the name of a host")
    path = _written_file(paths)
    before = after = _text_of(path)
    wanted, its = [*groups], variables
    for group in wanted:
        with _explained(path):
            after = _editor(path, after).add(after, group, name, its)
        its = {}
    _check(path, after, _described(path, before) | _of_host(name, wanted, variables))
    return EditedFile(path, before, after)


def groups_of(paths: Iterable[Path], name: str) -> tuple[str, ...]:
    """Return the groups that the inventory file itself puts the host *name* into.

    Raises:
        InventoryError: the inventory is no single file that a person has written.
    """
    path = _written_file(paths)
    groups = [
        entry.group
        for entry in _entries(path, _text_of(path))
        if isinstance(entry, HostEntry) and entry.name == name
    ]
    return tuple(dict.fromkeys(groups))


def without_host(
    paths: Iterable[Path], name: str, before: str | None = None
) -> EditedFile:
    """Return the inventory file without the host *name*.

    Args:
        paths: of the inventory.
        name: the host.
        before: the text to begin with; None: what is in the file.

    Raises:
        InventoryError: the inventory is no single file that a person has written, or the
            host is not written there by its own name.
    """
    path = _written_file(paths)
    before = _text_of(path) if before is None else before
    with _explained(path):
        after = _editor(path, before).remove(before, name)
    wanted = {one for one in _described(path, before) if one[0] != name}
    _check(path, after, wanted)
    return EditedFile(path, before, after)


def _written_file(paths: Iterable[Path]) -> Path:
    found = [*paths]
    if len(found) != 1:
        names = ", ".join(map(short_name, found))
        raise InventoryError(
            f"the inventory is several files ({names}): only one is edited",
            hint="change the right one yourself, then deploy",
        )
    path = found[0]
    if path.is_dir():
        raise _refused(path, "is a folder, and only a file is edited")
    with path.open("rb") as file:
        beginning = file.read(64)
    if beginning.startswith(PROGRAM):
        raise _refused(path, "is a program that prints the inventory")
    if beginning.decode("utf-8", "replace").lstrip("\ufeff").startswith(VAULT):
        raise _refused(path, "is encrypted as a whole")
    if not os.access(path, os.W_OK):
        raise _refused(path, "cannot be written")
    return path


def _refused(path: Path, problem: str) -> InventoryError:
    hint = "change it yourself, then deploy; `deploy --prune` clears hosts that leave"
    return InventoryError(problem, file=short_name(path), hint=hint)


def _text_of(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = f"cannot be read: {error}"
        raise InventoryError(problem, file=short_name(path)) from error


class Editor(Protocol):
    """The functions of a module that edits one format."""

    def add(
        self, text: str, group: str, name: str, variables: Mapping[str, Any]
    ) -> str:
        """Return *text* with the host *name*."""

    def remove(self, text: str, name: str) -> str:
        """Return *text* without the host *name*."""


def _editor(path: Path, text: str) -> Editor:
    editor: Editor = yaml_edit if _is_yaml(path, text) else ini_edit
    return editor


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Say in which file an edit is not possible, and what to do.

    Raises:
        InventoryError: it is not.
    """
    try:
        yield
    except (ValueError, YAMLError) as error:
        hint = "change the file yourself, then deploy"
        raise InventoryError(str(error), file=short_name(path), hint=hint) from error


def _is_yaml(path: Path, text: str) -> bool:
    first = next(
        (
            line
            for line in text.splitlines()
            if line.strip() and not line.lstrip().startswith(("#", ";"))
        ),
        "",
    )
    is_ini = HEADING.match(first)
    return path.suffix in YAML_ENDINGS and not is_ini and yaml_edit.is_yaml(text)


Described = set[tuple[str, str]]


def _described(path: Path, text: str) -> Described:
    """The meaning of *text*: hosts in groups, and variables, in no order."""
    found: Described = set()
    for entry in _entries(path, text):
        if isinstance(entry, InputError):
            raise entry
        if isinstance(entry, HostEntry):
            found.add((entry.name, entry.group))
        elif isinstance(entry, VariableEntry):
            one = entry.variable
            found.add((entry.owner, f"{one.name}={one.value!r}"))
    return found


def _entries(path: Path, text: str) -> Entries:
    file = short_name(path)
    if _is_yaml(path, text):
        source = parse(text, InventoryError, file=file, typed_keys=True)
        return yaml_file.entries(source)
    return IniFile(text, file).entries()


def _of_host(name: str, groups: list[str], variables: Mapping[str, Any]) -> Described:
    hosts = {(name, group) for group in groups}
    return hosts | {(name, f"{key}={value!r}") for key, value in variables.items()}


def _check(path: Path, text: str, wanted: Described) -> None:
    """Check that *text* means what is wanted, and nothing else.

    Raises:
        InventoryError: it does not, such as where an anchor has gone with a host.
    """
    try:
        found = _described(path, text)
    except InputError as error:
        problem = f"cannot be edited by line: {error.message}"
        hint = "change the file yourself, then deploy"
        raise InventoryError(problem, file=short_name(path), hint=hint) from error
    if found != wanted:
        said = sorted(found ^ wanted)[0]
        raise InventoryError(
            f"cannot be edited by line: {said[0]} would get or lose {said[1]}",
            file=short_name(path),
            hint="change the file yourself, then deploy",
        )
