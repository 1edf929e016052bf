"""Other clusters on the hosts of one: what they share with it must stay when it goes."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from provision.config.inventory import Host
from provision.errors import HostError
from provision.model.shell import Sh
from provision.model.step import parse_lines
from provision.transport.query import ask

LIMIT_S = 30.0
AT_ONCE = 20
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
"""The clusters that have data or a container on a host, this one among them."""


def neighbours(cluster: str, hosts: Iterable[Host]) -> dict[str, list[str]]:
    """The other clusters on each of *hosts* that has any.

    One that cannot be asked is not among them: what is done next fails there as well.
    """
    chosen = list(hosts)
    with ThreadPoolExecutor(min(AT_ONCE, len(chosen)) or 1) as pool:
        found = dict(
            zip((h.name for h in chosen), pool.map(_clusters, chosen), strict=True)
        )
    others = {name: sorted(there - {cluster}) for name, there in found.items()}
    return {name: there for name, there in others.items() if there}


def _clusters(host: Host) -> set[str]:
    try:
        return {*parse_lines(ask(host, Sh.of(PROBE), LIMIT_S).stdout)}
    except HostError:
        return set()
