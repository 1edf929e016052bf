"""Inventories as they are on the controller: found by name, read file by file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from provision.config.file_text import short_name
from provision.config.inventory.formats import folder, source_file
from provision.config.inventory.groups import Groups
from provision.config.yaml_source import did_you_mean
from provision.errors import InputError, InventoryError
from provision.secrets.credentials import Credentials

FOLDER = "inventories"
ENDINGS = ("", ".yml", ".yaml", ".json", ".ini")


def find(name: str) -> Path:
    """Return the inventory called *name*: a path, or a name in `inventories/`.

    A file is preferred to a folder of the same name.

    Raises:
        InventoryError: there is none.
    """
    paths = [
        Path(folder) / f"{name}{end}" for folder in ("", FOLDER) for end in ENDINGS
    ]
    for exists in (os.path.isfile, os.path.isdir, os.path.lexists):
        for path in paths:
            if exists(path):
                return path
    hint = did_you_mean(name, _available()) or "name a file: --inventory lab.yml"
    if "," in name:
        hint = "hosts are not listed here: write them to a file, one a line"
    problem = f"there is no inventory {name!r}, here or in {FOLDER}/"
    raise InventoryError(problem, hint=hint)


def _available() -> list[str]:
    if not Path(FOLDER).is_dir():
        return []
    return [path.name for path in Path(FOLDER).iterdir() if path.name[0] != "."]


def read(paths: Iterable[Path], credentials: Credentials) -> Groups:
    """Return what is in all of *paths*, each a file or a folder of files."""
    groups = Groups()
    for path in paths:
        _read(groups, path, credentials)
    return groups


def _read(groups: Groups, path: Path, credentials: Credentials) -> None:
    """Add to *groups* what is in *path*, a file or a folder of files."""
    try:
        files = [*folder.files(path)] if path.is_dir() else [path]
        if not files:
            raise InventoryError("no file in it is an inventory", file=short_name(path))
        for file in files:
            if file.exists() and not file.is_file():
                raise InventoryError(
                    "is neither file nor folder", file=short_name(file)
                )
            groups.add(source_file.entries(file, groups.groups, credentials))
    except InputError as error:
        groups.errors.append(error)
