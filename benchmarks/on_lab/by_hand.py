"""The commands of a cold deploy as a person types them, over OpenSSH, on the lab's hosts.

The same packages, image, programs and `ray start`, on all hosts at once; workers after the
head. Metrics are set up beside it, in sessions of their own.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAB = ROOT / ".lab"
IMAGE = "rayproject/ray:2.60.0"
DOWNLOADS = "http://172.30.77.3:8080"
HEAD = "172.30.77.11"
HOSTS = {
    "node1": (2201, HEAD),
    "node2": (2202, "172.30.77.12"),
    "node3": (2203, "172.30.77.13"),
}
INSTALL = (
    "sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "
    "-o DPkg::Lock::Timeout=120"
)
UPDATE = "sudo apt-get update -q"
ENGINE = (
    f"{INSTALL} docker.io",
    """echo '{"registry-mirrors": ["http://172.30.77.2:5000"]}' |
        sudo tee /etc/docker/daemon.json && sudo kill -HUP $(cat /run/docker.pid)""",
    f"sudo docker pull -q {IMAGE}",
)
RUN = (
    "sudo docker run -d --init --network host --restart unless-stopped --shm-size 2g "
    f"--name ray {IMAGE} ray start --block --disable-usage-stats --num-cpus=1 "
    "--object-store-memory=104857600 --dashboard-agent-listen-port=6384 "
)
HEALTHY = """until curl=$(bash -c 'exec 3<>/dev/tcp/127.0.0.1/6384 &&
    printf "GET /api/healthz HTTP/1.0\\r\\n\\r\\n" >&3 && read -r _ code _ <&3 &&
    [ "$code" = 200 ]' 2>/dev/null); do sleep 0.2; done"""
PROGRAM = """set -eu
sudo mkdir -p /opt/by_hand/{name}
curl -fsS {url} | sudo tar -xz -C /opt/by_hand/{name} --strip-components=1
sudo systemd-run --quiet --unit by-hand-{name} --property WorkingDirectory=/opt/by_hand/{name} \\
    /opt/by_hand/{name}/{command}
until curl -fsS -o /dev/null http://127.0.0.1:{port}{page}; do sleep 0.2; done"""
"""Downloads a program, starts it, and waits until it answers."""


@dataclass(frozen=True, slots=True)
class Program:
    """One of those that metrics need.

    Attributes:
        name: its name, and that of its folder among the downloads.
        version: its version.
        command: what is run in its folder.
        port: where it answers.
        page: the page that tells that it is ready.
    """

    name: str
    version: str
    command: str
    port: int
    page: str

    @property
    def script(self) -> str:
        """The commands that set it up."""
        archive = f"{self.name}-{self.version}.linux-amd64.tar.gz"
        return PROGRAM.format(
            name=self.name,
            url=f"{DOWNLOADS}/{self.name}/{archive}",
            command=self.command,
            port=self.port,
            page=self.page,
        )


EVERYWHERE = (Program("node_exporter", "1.9.1", "node_exporter", 9100, "/metrics"),)
ON_HEAD = (
    Program("prometheus", "3.5.0", "prometheus", 9090, "/-/ready"),
    Program(
        *("grafana", "12.1.0", "bin/grafana server --homepath=/opt/by_hand/grafana"),
        *(3000, "/api/health"),
    ),
)


@dataclass(frozen=True, slots=True)
class Hands:
    """The seconds of each part, set up by hand.

    Attributes:
        wall_s: of everything, side by side: the longest chain of commands.
        own_s: the greatest sum of one host's own commands for Ray.
    """

    wall_s: float
    own_s: float


def ssh(port: int, command: str) -> float:
    """Run *command* on a host; its wall seconds."""
    argv = ["ssh", "-q", "-p", str(port), "-i", str(LAB / "id_ed25519")]
    argv += ["-o", f"UserKnownHostsFile={LAB / 'known_hosts'}", "-o", "BatchMode=yes"]
    started = time.perf_counter()
    done = subprocess.run(
        [*argv, "admin@127.0.0.1", command], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"on port {port}: {command}\n{done.stdout}{done.stderr}")
    return time.perf_counter() - started


def set_up(*, metrics: bool) -> Hands:
    """Set up everything on bare hosts, and return what it took."""
    head_is_up = threading.Event()
    lists_are_there = {name: threading.Event() for name in HOSTS}
    started = time.perf_counter()
    with ThreadPoolExecutor(2 * len(HOSTS)) as pool:
        ray = [
            pool.submit(_ray, name, head_is_up, lists)
            for name, lists in lists_are_there.items()
        ]
        others: list[Future[None]] = []
        if metrics:
            others = [
                pool.submit(_metrics, name, lists)
                for name, lists in lists_are_there.items()
            ]
        own = [one.result() for one in ray]
        for other in others:
            other.result()
    return Hands(time.perf_counter() - started, max(own))


def _ray(
    name: str, head_is_up: threading.Event, lists_are_there: threading.Event
) -> float:
    """Return the seconds of the host's own commands, without its wait for the head."""
    port, address = HOSTS[name]
    own = ssh(port, UPDATE)
    lists_are_there.set()
    own += sum(ssh(port, command) for command in ENGINE)
    if address == HEAD:
        own += ssh(port, RUN + f"--head --port=6379 --node-ip-address={address}")
        own += ssh(port, HEALTHY)
        head_is_up.set()
        return own
    head_is_up.wait()
    own += ssh(port, RUN + f"--address={HEAD}:6379 --node-ip-address={address}")
    return own + ssh(port, HEALTHY)


def _metrics(name: str, lists_are_there: threading.Event) -> None:
    port, address = HOSTS[name]
    lists_are_there.wait()
    ssh(port, f"{INSTALL} ca-certificates curl")
    for program in (*EVERYWHERE, *(ON_HEAD if address == HEAD else ())):
        ssh(port, program.script)
