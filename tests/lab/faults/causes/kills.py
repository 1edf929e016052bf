"""Kills of the controller at each event of a deploy or a teardown.

Each run continues where the previous one was killed, so a chain of runs meets every
boundary between two steps, and each run proves that the state left there converges.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import yaml
from support.lab.commands import INVENTORY, ROOT, invoke

from faults import cluster
from faults.fault import AGAIN, fault
from faults.fault_host import run_as_root
from provision import lab

HEADING = "the controller is killed in a deploy or teardown"
SELF_KILLING_RUN = Path(__file__).parent.with_name("self_killing_run.py")
KILLED = -9
LOCKED = 6
UNLOCK_S = 10
MAX_RUNS = 400
"""Far more runs than boundaries: a chain without progress ends as a failure."""
LONG = ("docker_engine", "docker_image", "archive", "ray_head", "service", "ray_worker")
LONG_IN_TEARDOWN = (
    "docker_engine_absent",
    "docker_container_absent",
    "docker_image_absent",
    "service_absent",
    "file_absent",
)
"""Kinds of steps that take long: the controller is also killed during each."""
LEVELS = {"data": ["cluster"], "engine": ["cluster", "images", "engine"]}
FINISHED = (
    "The next deploy continues from the state it finds and succeeds without manual "
    "steps; no temporary file and no lock is left."
)

KillPoint = Mapping[str, Any]


def _run(playbook: str, kill_point: KillPoint, **options: Any) -> tuple[int, list[str]]:
    """Start a run that kills itself at *kill_point*; return its exit code and events."""
    given = {
        "inventory": INVENTORY,
        "playbook": playbook,
        "kill_point": kill_point,
        **options,
    }
    done = subprocess.run(
        [sys.executable, str(SELF_KILLING_RUN), json.dumps(given)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return done.returncode, [*done.stdout.splitlines(), *done.stderr.splitlines()]


def _run_when_unlocked(
    playbook: str, kill_point: KillPoint, **options: Any
) -> tuple[int, list[str]]:
    """Run once the lock of the killed run before it is released, within UNLOCK_S."""
    deadline = time.monotonic() + UNLOCK_S
    while (done := _run(playbook, kill_point, **options))[0] == LOCKED:
        assert time.monotonic() < deadline, "the lock of a killed run was not released"
    return done


def chain(playbook: str, kill_points: Iterator[KillPoint], **options: Any) -> int:
    """Run *playbook* up to each kill point in turn, until a run ends by itself.

    Returns:
        Number of times that the controller was killed.
    """
    for kills, kill_point in zip(range(MAX_RUNS), kill_points, strict=False):
        code, lines = _run_when_unlocked(playbook, kill_point, **options)
        if code != KILLED:
            assert code == 0, "\n".join(lines[-20:])
            return kills
        print(f"{'':17} killed at {_last(lines)}", flush=True)
    raise AssertionError(f"no run ended by itself in {MAX_RUNS} runs")


def _last(lines: list[str]) -> str:
    """Return the last event of a killed run."""
    events = [json.loads(line) for line in lines if line.startswith("{")]
    words = ("event", "host", "step")
    return " ".join(str(events[-1].get(word, "")) for word in words if events)


def everywhere(
    long: Sequence[str] = LONG, most_s: float = 6, seed: int = 1
) -> Iterator[KillPoint]:
    """Yield a kill point in each *long* step, then at each start and end of a step."""
    chance = random.Random(seed)
    for kind in long[:2]:
        wait_s = chance.uniform(most_s / 6, most_s)
        yield {"event": "StepApplying", "kind": kind, "after_s": wait_s, "latest": 2}
    for number in count():
        if number % 4 == 2:
            kind = long[number // 4 % len(long)]
            wait_s = chance.uniform(most_s / 20, most_s)
            inside = {"event": "StepApplying", "kind": kind, "after_s": wait_s}
            yield {**inside, "latest": 2}
        elif number % 2:
            yield {"event": "StepApplying"}
        else:
            yield {"event": "StepChanged"}


def somewhere(times: int) -> Iterator[KillPoint]:
    """Yield *times* kill points at random ends of steps, and then none."""
    for _ in range(times):
        yield {"event": "StepChanged", "number": random.randint(1, 8)}
    while True:
        yield {}


def _assert_deployed(kills: int) -> None:
    print(f"{'':17} killed {kills} times")
    cluster.wait_until_healthy(90)
    cluster.assert_clean()
    assert cluster.plan().code == 0, "a plan still lists changes"


def _assert_removed() -> None:
    for host in cluster.HOSTS:
        left = run_as_root(host, LEFT).strip()
        assert not left, f"{host} still has {left}"
    cluster.assert_clean()


LEFT = r"""
docker ps -aq --filter label=provision.cluster 2>/dev/null
ls -d /var/lib/provision* /etc/provision* /opt/provision* \
    /etc/systemd/system/*provision* 2>/dev/null
getent passwd | grep -i -e '^ray' -e '^provision'
pgrep -l 'raylet|gcs_server'
true
"""


@fault(
    HEADING,
    "the controller is killed two or three times in a deploy",
    injection="SIGKILL at random ends of steps, on hosts that have Docker and the image; "
    "then a deploy that is not killed.",
    outcome=FINISHED,
    todo=AGAIN,
    estimate_s=110,
)
def sometimes() -> None:
    invoke("teardown", "--inventory", INVENTORY, "--yes").expect_exit(0)
    _assert_deployed(chain("deploy", somewhere(random.randint(2, 3))))


@fault(
    HEADING,
    "the controller is killed at every step of a cold deploy of the head",
    injection="SIGKILL at each start and end of a step, and during the long ones, in one "
    "deploy after the other, starting with a bare host.",
    outcome=FINISHED,
    todo=AGAIN,
    estimate_s=500,
)
def cold_head() -> None:
    lab.reset(["node1"])
    with tempfile.TemporaryDirectory() as folder:
        inventory = _head_alone(Path(folder))
        kills = chain("deploy", everywhere(), inventory=inventory)
        print(f"{'':17} killed {kills} times")
        cluster.wait_until_healthy(90, until=lambda: cluster.alive() == {"node1"})
        cluster.assert_clean()
    lab.reset(["node1"])


def _head_alone(folder: Path) -> str:
    """Write the lab's inventory without workers; its secrets are stored beside it."""
    lines = (ROOT / INVENTORY).read_text().replace("../.lab", str(ROOT / ".lab"))
    inventory = yaml.safe_load(lines)
    inventory["all"]["children"]["workers"]["hosts"] = {}
    path = folder / "head.yml"
    path.write_text(yaml.safe_dump(inventory))
    return str(path)


@fault(
    HEADING,
    "the controller is killed at every step of a cold deploy of the workers",
    injection="The same on two bare workers in parallel, with a running head.",
    outcome=FINISHED,
    todo=AGAIN,
    estimate_s=400,
    cluster=True,
)
def cold_workers() -> None:
    lab.reset(["node2", "node3"])
    _assert_deployed(chain("deploy", everywhere()))


@fault(
    HEADING,
    "the controller is killed at every step of a teardown",
    injection="SIGKILL at each start and end of a step of `teardown --level engine`, and "
    "during the long ones.",
    outcome="The next teardown continues and removes everything; a deploy after it starts "
    "from bare hosts and succeeds.",
    todo="Run `invoke teardown` again.",
    estimate_s=300,
    cluster=True,
)
def teardown() -> None:
    kill_points = everywhere(LONG_IN_TEARDOWN, most_s=2)
    kills = chain("teardown", kill_points, tags=LEVELS["engine"])
    print(f"{'':17} killed {kills} times")
    _assert_removed()
    cluster.ensure_deployed()
