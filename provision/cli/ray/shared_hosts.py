"""What a cluster shares with others on a host stays when the cluster goes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from provision.cli.options import CommandOptions

if TYPE_CHECKING:
    from provision.config.inventory import Inventory


def sparing(
    given: CommandOptions, inventory: Inventory, names: Iterable[str]
) -> CommandOptions:
    """*given*, with the hosts among *names* that have other clusters as `shared`."""
    from provision.ray.other_clusters import neighbours
    from provision.report.console import output
    from provision.report.text import listed

    if password := given.for_api().get("become_password"):
        inventory = inventory.with_become_password(password)
    found = neighbours(inventory.cluster, [inventory.hosts[name] for name in names])
    for host, others in found.items():
        output().tell(
            f"{host} is a host of cluster {listed(others)} as well: the metrics programs "
            "and /etc/provision stay there"
        )
    if not found:
        return given
    return replace(given, set=(*given.set, f"shared={json.dumps([*found])}"))
