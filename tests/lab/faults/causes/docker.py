"""Docker or Ray processes die: the cluster recovers without a controller."""

from __future__ import annotations

import time
from collections.abc import Callable

from support.lab.commands import INVENTORY, invoke

from faults import cluster
from faults.cluster import HEAD, wait_until_healthy
from faults.fault import AGAIN, fault
from faults.fault_host import run_as_root, wait_until

HEADING = "Docker or Ray dies on a host"
WORKER = "node2"
RECOVERED = "Without help it runs again and its node is ALIVE within two minutes."
UNAFFECTED = "Ray keeps running (`live-restore`): containers, nodes, actors and jobs are not affected."
DETECTION_S = 15
"""Time after which Ray has declared a lost node DEAD."""
LIMIT_S = 150
PROCESSES = {"gcs_server": HEAD, "raylet": WORKER, "dashboard": HEAD}
PATTERNS = {
    "gcs_server": "gcs/gcs_server ",
    "raylet": "raylet/raylet ",
    "dashboard": "dashboard/dashboard.py ",
}


def _assert_restarted(host: str, script: str) -> None:
    """Run *script* on a host; check that its container, and no other, restarts.

    Ray reports a dead node as ALIVE for a while: a new node has to appear.
    """
    before = {name: cluster.container(name) for name in cluster.HOSTS}
    old = cluster.nodes()[host]
    run_as_root(host, script)
    changed = f"the container of {host} restarts"
    wait_until(lambda: _container(host) not in ("", before[host]), LIMIT_S, changed)
    again = f"{host} has a new node that is ALIVE"
    wait_until(lambda: bool(cluster.nodes().get(host, old) - old), LIMIT_S, again)
    wait_until_healthy(LIMIT_S)
    others = [name for name in cluster.HOSTS if name != host]
    assert [cluster.container(name) for name in others] == [before[n] for n in others]


def _container(host: str) -> str:
    return run_as_root(host, f"{cluster.INSPECT} 2>/dev/null || true").strip()


def _assert_unaffected(script: str, after: Callable[[], None] = lambda: None) -> None:
    """Run *script* on a worker, wait, and call *after*; check that no node changed."""
    before = [cluster.container(host) for host in cluster.HOSTS]
    nodes = cluster.nodes()
    run_as_root(WORKER, script)
    time.sleep(DETECTION_S)
    after()
    wait_until_healthy(LIMIT_S)
    assert cluster.nodes() == nodes, "a node was replaced"
    assert [cluster.container(host) for host in cluster.HOSTS] == before


@fault(
    HEADING,
    "the Docker daemon of a host is restarted",
    injection="`systemctl restart docker` on a worker.",
    outcome=UNAFFECTED,
    estimate_s=30,
    cluster=True,
)
def restarted() -> None:
    _assert_unaffected("systemctl restart docker")


@fault(
    HEADING,
    "the Docker daemon of a host is killed",
    injection="SIGKILL to dockerd on a worker.",
    outcome=f"Systemd restarts it. {UNAFFECTED}",
    estimate_s=30,
    cluster=True,
)
def killed() -> None:
    _assert_unaffected("kill -9 $(cat /run/docker.pid)")


@fault(
    HEADING,
    "the Docker daemon of a host is stopped",
    injection="`systemctl stop docker docker.socket` on a worker.",
    outcome=f"{UNAFFECTED} `invoke plan` and `invoke status` name the host (exit 3).",
    todo=AGAIN,
    estimate_s=50,
    cluster=True,
)
def stopped() -> None:
    def check_and_repair() -> None:
        assert cluster.alive() == {*cluster.HOSTS}
        assert WORKER in cluster.plan().expect_exit(3).output
        assert (
            WORKER in invoke("status", "--inventory", INVENTORY).expect_exit(3).output
        )
        cluster.deploy().expect_exit(0)

    _assert_unaffected("systemctl stop docker docker.socket", check_and_repair)


@fault(
    HEADING,
    "the first process of a host's Ray container is killed",
    injection="SIGKILL to the container's first process on a worker.",
    outcome=RECOVERED,
    estimate_s=40,
    cluster=True,
)
def container_killed() -> None:
    pid = "$(docker inspect --format '{{.State.Pid}}' ray-lab)"
    _assert_restarted(WORKER, f"kill -9 {pid}")


@fault(
    HEADING,
    "the Ray container of a host is ended by `docker kill` or `docker stop`",
    injection="`docker kill ray-lab` on a worker.",
    outcome="It stays down: Docker takes that for the wish of a person and does not start it "
    "again (`unless-stopped`). `invoke plan` and `invoke status` name the host (exit 3).",
    todo="Run `invoke deploy` again, or `docker start` on the host.",
    estimate_s=60,
    cluster=True,
)
def container_stopped_by_hand() -> None:
    run_as_root(WORKER, "docker kill ray-lab")
    time.sleep(DETECTION_S)
    running = "docker inspect --format '{{.State.Running}}' ray-lab"
    assert run_as_root(WORKER, running).strip() == "false", "Docker started it again"
    assert WORKER in cluster.plan().expect_exit(3).output
    assert WORKER in invoke("status", "--inventory", INVENTORY).expect_exit(3).output
    cluster.deploy().expect_exit(0)
    wait_until_healthy(LIMIT_S)


def _faults() -> None:
    for name, host in PROCESSES.items():
        role = "the head" if host == HEAD else "a worker"
        pattern = PATTERNS[name]
        script = f"kill -9 $(pgrep -o -f '{pattern}')"
        fault(
            HEADING,
            f"Ray's {name} on {role} is killed",
            injection=f"SIGKILL to {name}.",
            outcome=f"`ray start --block` ends with it, and Docker restarts the "
            f"container. {RECOVERED}",
            estimate_s=50,
            cluster=True,
        )(lambda host=host, script=script: _assert_restarted(host, script))  # type: ignore[misc]


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
    HEADING,
    "the disk under /var/lib/docker is full",
    injection="Docker's directory on a worker is a file system of 150 MB; the deploy has to "
    "pull the image there.",
    outcome="The step fails with Docker's message and the free space (exit 2). The next "
    "deploy with enough space finishes.",
    todo=f"Free some space there. {AGAIN}",
    estimate_s=120,
    cluster=True,
)
def disk_full() -> None:
    run_as_root(WORKER, SMALL)
    try:
        output = cluster.deploy("--limit", WORKER).expect_exit(2).output
    finally:
        run_as_root(WORKER, LARGE)
    assert "no space left on device" in output
    assert "/var/lib/docker" in output
    assert "free space" in output
    cluster.deploy().expect_exit(0)
    wait_until_healthy(LIMIT_S)
