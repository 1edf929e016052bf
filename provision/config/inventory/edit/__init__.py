"""Hosts that come into the text of an inventory file, and go: all else stays as it is."""

from provision.config.inventory.edit.edit import (
    EditedFile,
    groups_of,
    with_host,
    without_host,
)

__all__ = ["EditedFile", "groups_of", "with_host", "without_host"]
