"""Docker and Ray's own processes die: the cluster heals without a controller."""

from __future__ import annotations

import time
from collections.abc import Callable

from support.lab.commands import INVENTORY, invoke

from faults import cluster
from faults.cluster import HEAD, heals
from faults.fault import AGAIN, fault
from faults.fault_host import on, wait_until

PART = "Docker or Ray dies on a host"
WORKER = "node2"
HEALED = "It is back by itself, and its node is ALIVE again, within a minute or two."
OUTLIVED = (
    "Ray goes on without it (`live-restore`): no container, node, actor or job notices."
)
NOTICED_S = 15
"""Ray would call a node that has gone away DEAD by then."""
LIMIT_S = 150
PROCESSES = {"gcs_server": HEAD, "raylet": WORKER, "dashboard": HEAD}
PATTERNS = {
    "gcs_server": "gcs/gcs_server ",
    "raylet": "raylet/raylet ",
    "dashboard": "dashboard/dashboard.py ",
}


def _restarts(host: str, script: str) -> None:
    """Do *script* on a host; its container starts again, and nobody else's.

    Ray calls the node that died ALIVE for a while: there has to be another one.
    """
    before = {name: cluster.container(name) for name in cluster.HOSTS}
    old = cluster.nodes()[host]
    on(host, script)
    changed = f"the container of {host} starts again"
    wait_until(lambda: _container(host) not in ("", before[host]), LIMIT_S, changed)
    again = f"{host} has a new node that is ALIVE"
    wait_until(lambda: bool(cluster.nodes().get(host, old) - old), LIMIT_S, again)
    heals(LIMIT_S)
    others = [name for name in cluster.HOSTS if name != host]
    assert [cluster.container(name) for name in others] == [before[n] for n in others]


def _container(host: str) -> str:
    return on(host, f"{cluster.INSPECT} 2>/dev/null || true").strip()


def _outlives(script: str, after: Callable[[], None] = lambda: None) -> None:
    """Do *script* to a worker's Docker, wait, and *after*; no container notices."""
    before = [cluster.container(host) for host in cluster.HOSTS]
    nodes = cluster.nodes()
    on(WORKER, script)
    time.sleep(NOTICED_S)
    after()
    heals(LIMIT_S)
    assert cluster.nodes() == nodes, "a node is another one"
    assert [cluster.container(host) for host in cluster.HOSTS] == before


@fault(
    PART,
    "the Docker daemon of a host is restarted",
    done="`systemctl restart docker` on a worker.",
    outcome=OUTLIVED,
    about_s=30,
    cluster=True,
)
def restarted() -> None:
    _outlives("systemctl restart docker")


@fault(
    PART,
    "the Docker daemon of a host is killed",
    done="SIGKILL to dockerd on a worker.",
    outcome=f"Systemd starts it again. {OUTLIVED}",
    about_s=30,
    cluster=True,
)
def killed() -> None:
    _outlives("kill -9 $(cat /run/docker.pid)")


@fault(
    PART,
    "the Docker daemon of a host is stopped",
    done="`systemctl stop docker docker.socket` on a worker.",
    outcome=f"{OUTLIVED} `invoke plan` and `invoke status` name the host (exit 3).",
    todo=AGAIN,
    about_s=50,
    cluster=True,
)
def stopped() -> None:
    def look_and_mend() -> None:
        assert cluster.alive() == {*cluster.HOSTS}
        assert WORKER in cluster.plan().ended(3).output
        assert WORKER in invoke("status", "--inventory", INVENTORY).ended(3).output
        cluster.deploy().ended(0)

    _outlives("systemctl stop docker docker.socket", look_and_mend)


@fault(
    PART,
    "the Ray container of a host is killed",
    done="SIGKILL to the container's first process on a worker.",
    outcome=HEALED,
    about_s=40,
    cluster=True,
)
def container_killed() -> None:
    pid = "$(docker inspect --format '{{.State.Pid}}' ray-lab)"
    _restarts(WORKER, f"kill -9 {pid}")


def _faults() -> None:
    for name, host in PROCESSES.items():
        role = "the head" if host == HEAD else "a worker"
        pattern = PATTERNS[name]
        script = f"kill -9 $(pgrep -o -f '{pattern}')"
        fault(
            PART,
            f"Ray's {name} on {role} is killed",
            done=f"SIGKILL to {name}.",
            outcome=f"`ray start --block` ends with it, and Docker starts the container "
            f"anew. {HEALED}",
            about_s=50,
            cluster=True,
        )(lambda host=host, script=script: _restarts(host, script))  # type: ignore[misc]


_faults()

SMALL = r"""
docker stop -t 5 ray-lab
systemctl stop docker docker.socket
mount -t tmpfs -o size=150m tmpfs /var/lib/docker
"""
LARGE = r"""
systemctl stop docker docker.socket
umount -l /var/lib/docker
systemctl start docker
"""


@fault(
    PART,
    "the disk under /var/lib/docker is full",
    done="Docker's directory on a worker is a file system of 150 MB; deploy has to pull "
    "the image there.",
    outcome="The step fails, with Docker's words, and how much room there is (exit 2). "
    "With room, the next deploy finishes.",
    todo=f"Free some space there. {AGAIN}",
    about_s=120,
    cluster=True,
)
def disk_full() -> None:
    on(WORKER, SMALL)
    try:
        said = cluster.deploy("--limit", WORKER).ended(2).output
    finally:
        on(WORKER, LARGE)
    assert "no space left on device" in said
    assert "/var/lib/docker" in said
    assert "free space" in said
    cluster.deploy().ended(0)
    heals(LIMIT_S)
