"""Variables in `group_vars/` and `host_vars/`: a file for each group or host, or a folder.

Source: the Ansible documentation, "Organizing host and group variables", and the plugin
host_group_vars, ansible-core 2.19.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from provision.config.file_text import short_name
from provision.config.inventory.entries import Variable
from provision.config.inventory.formats.folder import listed
from provision.config.inventory.formats.yaml_file import variables
from provision.config.yaml_source import load
from provision.errors import InputError, InventoryError
from provision.secrets.credentials import Credentials

GROUP_VARS = "group_vars"
HOST_VARS = "host_vars"
ENDINGS = ("", ".yml", ".yaml", ".json")
"""Endings of the files that are read; the first that is there is the one."""


class VariablesFiles:
    """The variables in the files of one folder with an inventory; each is read once.

    Args:
        base: the folder that `group_vars/` and `host_vars/` are in.
        credentials: decrypt what is encrypted.

    Attributes:
        errors: what is wrong.
    """

    def __init__(self, base: Path, credentials: Credentials) -> None:
        self._base = base
        self._credentials = credentials
        self._names = {name: _names(base / name) for name in (GROUP_VARS, HOST_VARS)}
        self._found: dict[tuple[str, str], Mapping[str, Variable]] = {}
        self.errors: list[InputError] = []

    def of(self, folder: str, name: str) -> Mapping[str, Variable]:
        """Return the variables of the group or host *name*.

        Args:
            folder: `group_vars` or `host_vars`.
            name: of the group or host.
        """
        key = (folder, name)
        if key not in self._found:
            self._found[key] = self._read(folder, name)
        return self._found[key]

    def unused(self, folder: str, names: Collection[str]) -> Iterator[Path]:
        """Yield what is in *folder* and is of none of *names*, or is never read."""
        read = {next(self._chosen(folder, name), "") for name in names}
        for entry in sorted(self._names[folder] - read):
            path = self._base / folder / entry
            if path.suffix in ENDINGS or path.is_dir():
                yield path

    def _read(self, folder: str, name: str) -> Mapping[str, Variable]:
        merged: dict[str, Variable] = {}
        try:
            for path in self._paths(folder, name):
                merged |= {one.name: one for one in self._variables(path)}
        except InputError as error:
            self.errors.append(error)
        return merged

    def _variables(self, path: Path) -> Iterator[Variable]:
        source = load(
            path, InventoryError, credentials=self._credentials, typed_keys=True
        )
        if source.data:
            yield from variables(source, source.data, ())

    def _paths(self, folder: str, name: str) -> Iterable[Path]:
        for entry in self._chosen(folder, name):
            path = self._base / folder / entry
            return _files(path) if path.is_dir() else [path]
        return []

    def _chosen(self, folder: str, name: str) -> Iterator[str]:
        entries = self._names[folder]
        return (name + end for end in ENDINGS if name + end in entries)


def _names(folder: Path) -> set[str]:
    """The names of what is in *folder*; none if there is no such folder."""
    if not folder.is_dir():
        return set()
    return {path.name for path in listed(folder) if not _is_hidden(path)}


def _files(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Yield the files of variables in *folder*, in the order they are merged."""
    around = above | {folder.resolve()}
    if len(around) == len(above):
        raise InventoryError("the folder contains itself", file=short_name(folder))
    for path in listed(folder):
        if _is_hidden(path):
            continue
        if path.is_dir() and not path.suffix:
            yield from _files(path, around)
        elif path.is_file() and path.suffix in ENDINGS:
            yield path


def _is_hidden(path: Path) -> bool:
    return path.name.startswith(".") or path.name.endswith("~")
