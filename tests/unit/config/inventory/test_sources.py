"""The files and folders that an inventory is read from."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.config import inventory as inventories
from provision.errors import InventoryError


def test_a_folder_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "inventory"
    folder.mkdir()

    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(InventoryError, match="folder cannot be read: Permission") as it:
        inventories.load([folder])
    assert "inventory" in str(it.value)
