"""The lab's Ray cluster, looked at by other means than this program."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.client import HTTPException
from typing import Any
from urllib.request import Request, urlopen

from support.lab.commands import INVENTORY, Done, invoke

from faults.fault_host import LOCKS, on, wait_until

HEAD, *WORKERS = HOSTS = ("node1", "node2", "node3")
ADDRESS = {"node1": "172.30.77.11", "node2": "172.30.77.12", "node3": "172.30.77.13"}
DASHBOARD = f"http://{ADDRESS[HEAD]}:8265"
PROMETHEUS = f"http://{ADDRESS[HEAD]}:9090"
TOKEN = "/var/lib/provision-lab/auth_token"
INSPECT = "docker inspect --format '{{.Id}} {{.State.StartedAt}}' ray-lab"
TEMPORARY = r"""
find /etc /opt /var/lib/provision* /usr/local /run /root -xdev \
    \( -name '.*.new' -o -name .new -o -name .old -o -name .current -o -name '*.part' \) \
    -newer /proc/1 2>/dev/null || true
"""
"""Names that our steps give to what is not finished, since the host's boot."""


def _get(url: str, token: str = "") -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urlopen(Request(url, headers=headers), timeout=5) as answer:
        return json.loads(answer.read())


def nodes() -> dict[str, set[str]]:
    """The ids of each host's nodes that Ray calls ALIVE; none while nobody answers."""
    try:
        token = on(HEAD, f"cat {TOKEN}").strip()
        listed = _get(f"{DASHBOARD}/api/v0/nodes?limit=10000", token)
        rows = listed["data"]["result"]["result"]
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return {}
    found: dict[str, set[str]] = {}
    for row in rows:
        if row["state"] == "ALIVE":
            found.setdefault(row["node_ip"], set()).add(row["node_id"])
    return {host: found[ip] for host, ip in ADDRESS.items() if ip in found}


def alive() -> set[str]:
    """The hosts that Ray calls ALIVE."""
    return {*nodes()}


def metrics_up() -> bool:
    """Whether Prometheus answers, and has got something from all it asks."""
    try:
        targets = _get(f"{PROMETHEUS}/api/v1/targets?state=active")["data"]
    except (OSError, HTTPException, ValueError, KeyError):
        return False
    health = [target["health"] for target in targets["activeTargets"]]
    return len(health) >= len(HOSTS) and set(health) == {"up"}


def whole() -> bool:
    """Whether all nodes are ALIVE and all metrics up."""
    return alive() == {*HOSTS} and metrics_up()


def heals(limit_s: float, *, until: Callable[[], bool] = whole) -> float:
    """Only look, until the cluster is whole; how many seconds that took."""
    return wait_until(
        until, limit_s, f"the cluster is whole (ALIVE: {sorted(alive())})"
    )


def container(host: str) -> str:
    """Which Ray container a host has, and since when it runs."""
    return on(host, INSPECT).strip()


def deploy(*words: str) -> Done:
    return invoke("deploy", "--inventory", INVENTORY, *words)


def plan() -> Done:
    return invoke("plan", "--inventory", INVENTORY)


def deployed() -> None:
    """Have the whole cluster running."""
    if plan().code != 0:
        deploy().ended(0)
    heals(90)


def clean() -> None:
    """See that no unfinished file and no lock is on any host."""
    for host in HOSTS:
        assert not (left := on(host, TEMPORARY)), f"{host} still has {left}"
        assert not (lock := on(host, LOCKS)), lock
