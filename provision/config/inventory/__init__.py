"""The hosts of a cluster, their groups and variables; Ansible's YAML format."""

from __future__ import annotations

from provision.config.inventory.host import Host
from provision.config.inventory.inventory import Inventory, find, load

__all__ = ["Host", "Inventory", "find", "load"]
