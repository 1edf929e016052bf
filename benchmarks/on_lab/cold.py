"""Bare hosts: `deploy` against the slowest host's own commands, typed by hand over ssh.

By hand means: the same packages, image and `ray start`, with OpenSSH, on all hosts at
once (they share this machine's cores in both runs), workers after the head. A host's own
commands are summed without the time it waits for the head.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAB = ROOT / ".lab"
IMAGE = "rayproject/ray:2.60.0"
HEAD = "172.30.77.11"
HOSTS = {
    "node1": (2201, HEAD),
    "node2": (2202, "172.30.77.12"),
    "node3": (2203, "172.30.77.13"),
}
ENGINE = (
    "sudo apt-get update -q",
    "sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends docker.io",
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


def invoke(*words: str) -> float:
    """Run an Invoke task; its wall seconds."""
    started = time.perf_counter()
    argv = [sys.executable, "-m", "invoke", *words]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(
            f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        )
    return time.perf_counter() - started


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


def by_hand(name: str, head_is_up: threading.Event) -> float:
    port, address = HOSTS[name]
    own = sum(ssh(port, command) for command in ENGINE)
    if address == HEAD:
        own += ssh(port, RUN + f"--head --port=6379 --node-ip-address={address}")
        own += ssh(port, HEALTHY)
        head_is_up.set()
        return own
    head_is_up.wait()
    own += ssh(port, RUN + f"--address={HEAD}:6379 --node-ip-address={address}")
    return own + ssh(port, HEALTHY)


def all_by_hand() -> list[float]:
    head_is_up = threading.Event()
    with ThreadPoolExecutor(len(HOSTS)) as pool:
        return list(pool.map(lambda name: by_hand(name, head_is_up), HOSTS))


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    ratios = []
    for number in range(1, rounds + 1):
        invoke("lab.reset")
        started = time.perf_counter()
        own = all_by_hand()
        hand_wall = time.perf_counter() - started
        invoke("lab.reset")
        # By hand there are no metrics either.
        deploy = invoke(
            *("deploy", "--inventory", "inventories/lab.yml", "--set", "metrics=false")
        )
        ratios.append(deploy / max(own))
        print(
            f"round {number}: deploy {deploy:.1f} s; by hand {hand_wall:.1f} s, the "
            f"slowest host's own commands {max(own):.1f} s; ratio {ratios[-1]:.2f}",
            flush=True,
        )
    print(f"median ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
