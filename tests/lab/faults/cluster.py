"""The lab's Ray cluster, checked by other means than this program."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.client import HTTPException
from typing import Any
from urllib.request import Request, urlopen

from support.lab.commands import INVENTORY, CommandResult, invoke

from faults.fault_host import LOCKS, run_as_root, wait_until

HEAD, *WORKERS = HOSTS = ("node1", "node2", "node3")
ADDRESS = {"node1": "172.30.77.11", "node2": "172.30.77.12", "node3": "172.30.77.13"}
DASHBOARD = f"http://{ADDRESS[HEAD]}:8265"
PROMETHEUS = f"http://{ADDRESS[HEAD]}:9090"
TOKEN = "/var/lib/provision-lab/auth_token"
INSPECT = "docker inspect --format '{{.Id}} {{.State.StartedAt}}' ray-lab"
TEMPORARY = r"""
find /etc /opt /var/lib/provision* /usr/local /run /root -xdev \
    \( -name '.*.new' -o -name .new -o -name .old -o -name .current -o -name '*.heading' \) \
    -newer /proc/1 2>/dev/null || true
"""
"""Temporary names that our steps use, of files written since the host's boot."""


def _get(url: str, token: str = "") -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urlopen(Request(url, headers=headers), timeout=5) as answer:
        return json.loads(answer.read())


def nodes() -> dict[str, set[str]]:
    """Return the ids of each host's ALIVE Ray nodes; empty while Ray does not answer."""
    try:
        token = run_as_root(HEAD, f"cat {TOKEN}").strip()
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
    """Return the hosts with a Ray node that is ALIVE."""
    return {*nodes()}


def metrics_up() -> bool:
    """Return True if Prometheus answers and all of its targets are up."""
    try:
        targets = _get(f"{PROMETHEUS}/api/v1/targets?state=active")["data"]
    except (OSError, HTTPException, ValueError, KeyError):
        return False
    health = [target["health"] for target in targets["activeTargets"]]
    return len(health) >= len(HOSTS) and set(health) == {"up"}


def is_healthy() -> bool:
    """Return True if all nodes are ALIVE and all metrics are up."""
    return alive() == {*HOSTS} and metrics_up()


def wait_until_healthy(
    limit_s: float, *, until: Callable[[], bool] = is_healthy
) -> float:
    """Wait, changing nothing, until the cluster is healthy; return the seconds."""
    return wait_until(
        until, limit_s, f"the cluster is healthy (ALIVE: {sorted(alive())})"
    )


def container(host: str) -> str:
    """Return the id and the start time of a host's Ray container."""
    return run_as_root(host, INSPECT).strip()


def deploy(*words: str) -> CommandResult:
    return invoke("deploy", "--inventory", INVENTORY, *words)


def plan() -> CommandResult:
    return invoke("plan", "--inventory", INVENTORY)


def ensure_deployed() -> None:
    """Deploy the cluster if it differs, and wait until it is healthy."""
    if plan().code != 0:
        deploy().expect_exit(0)
    wait_until_healthy(90)


def assert_clean() -> None:
    """Check that no temporary file and no lock is left on any host."""
    for host in HOSTS:
        assert not (left := run_as_root(host, TEMPORARY)), f"{host} still has {left}"
        assert not (lock := run_as_root(host, LOCKS)), lock
