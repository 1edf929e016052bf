"""Inventories in folders: every file in it is one, in the order of their names.

Source: the Ansible documentation, "Using multiple inventory sources", and its setting
INVENTORY_IGNORE_EXTS, ansible-core 2.19.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from provision.config.file_text import short_name
from provision.errors import InventoryError

NO_INVENTORY = ("host_vars", "group_vars", "vars_plugins")
ENDINGS = (
    *(".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst"),
    *(".orig", ".cfg", ".retry"),
)
"""Endings of files that are passed over."""


def files(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Yield the files of the inventory in *folder*, and in the folders in it.

    Args:
        folder: the folder.
        above: the folders that it is in, without links.

    Raises:
        InventoryError: a folder cannot be read, or is in itself.
    """
    around = above | {folder.resolve()}
    if len(around) == len(above):
        raise InventoryError("the folder contains itself", file=short_name(folder))
    for path in listed(folder):
        name = path.name
        if name.startswith(".") or name in NO_INVENTORY or name.endswith(ENDINGS):
            continue
        if path.is_dir():
            yield from files(path, around)
        else:
            yield path


def listed(folder: Path) -> list[Path]:
    """Return what is in *folder*, in the order of the names.

    Raises:
        InventoryError: it cannot be read.
    """
    try:
        return sorted(folder.iterdir(), key=lambda path: path.name)
    except OSError as error:
        problem = f"the folder cannot be read: {error.strerror or error}"
        raise InventoryError(problem, file=short_name(folder)) from error
