"""Other clusters on the hosts of one: what they share must stay when one is removed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from provision.config.inventory import Host, Inventory
from provision.errors import HostError
from provision.model.shell import Sh
from provision.model.step import parse_lines
from provision.transport.query import ask

LIMIT_S = 30.0
FORKS = 20
PROBE = r"""
for folder in /var/lib/provision-*/; do
    [ -d "$folder" ] || continue
    name=${folder#/var/lib/provision-}
    printf '%s=data\n' "${name%/}"
done
command -v docker >/dev/null || exit 0
docker ps --all --filter label=provision.cluster \
    --format '{{.Label "provision.cluster"}}=container' 2>/dev/null
exit 0
"""
"""Prints the clusters that have data or a container on a host, this one included."""


def exclude_shared_hosts(
    inventory: Inventory, names: Iterable[str], sets: Mapping[str, Any]
) -> tuple[Inventory, dict[str, Any]]:
    """Find which of the hosts *names* belong to other clusters as well.

    Returns:
        The inventory, with a warning about each such host; and *sets* with the variable
        `shared`, which makes a playbook leave shared parts on these hosts.
    """
    hosts = [inventory.hosts[name] for name in names]
    found = other_clusters(inventory.cluster, hosts)
    if not found:
        return inventory, dict(sets)
    warnings = [
        f"{host} is a host of cluster {' and '.join(others)} as well: the metrics "
        "programs and /etc/provision stay there"
        for host, others in found.items()
    ]
    inventory = replace(inventory, warnings=(*inventory.warnings, *warnings))
    return inventory, {**sets, "shared": [*found]}


def other_clusters(cluster: str, hosts: Iterable[Host]) -> dict[str, list[str]]:
    """Return the clusters other than *cluster* on each of *hosts* that has any.

    A host that cannot be reached is left out: the run that follows fails there as well.
    """
    chosen = list(hosts)
    with ThreadPoolExecutor(min(FORKS, len(chosen)) or 1) as pool:
        found = dict(
            zip((h.name for h in chosen), pool.map(_clusters, chosen), strict=True)
        )
    others = {name: sorted(all_ - {cluster}) for name, all_ in found.items()}
    return {name: clusters for name, clusters in others.items() if clusters}


def _clusters(host: Host) -> set[str]:
    try:
        return {*parse_lines(ask(host, Sh.of(PROBE), LIMIT_S).stdout)}
    except HostError:
        return set()
