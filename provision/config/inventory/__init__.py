"""The hosts of a cluster, their groups and variables; Ansible's formats."""

from __future__ import annotations

from provision.config.inventory.host import Host
from provision.config.inventory.inventory import Inventory, load
from provision.config.inventory.sources import find

__all__ = ["Host", "Inventory", "find", "load"]
