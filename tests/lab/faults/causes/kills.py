"""The controller is killed again and again, at each event of a deploy or a teardown.

Each run goes on where the one before was killed, so a chain of them meets every
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
from faults.fault_host import on
from provision import lab

PART = "the controller is killed in a deploy or teardown"
MORTAL = Path(__file__).parent.with_name("self_killing_run.py")
KILLED = -9
LOCKED = 6
FREE_S = 10
MOST = 400
"""Far more runs than there are boundaries: a chain that stands still ends as a failure."""
LONG = ("docker_engine", "docker_image", "archive", "ray_head", "service", "ray_worker")
LONG_OF_TEARDOWN = (
    "docker_engine_absent",
    "docker_container_absent",
    "docker_image_absent",
    "service_absent",
    "file_absent",
)
"""Kinds of steps that take long: the controller is killed inside of each, too."""
LEVELS = {"data": ["cluster"], "engine": ["cluster", "images", "engine"]}
FINISHED = (
    "The next deploy goes on from what it finds and ends well; no manual step, no "
    "unfinished file, no lock is left."
)

Death = Mapping[str, Any]


def _run(playbook: str, death: Death, **options: Any) -> tuple[int, list[str]]:
    """One run that dies as it is told, or does not; its exit code and events."""
    given = {"inventory": INVENTORY, "playbook": playbook, "death": death, **options}
    done = subprocess.run(
        [sys.executable, str(MORTAL), json.dumps(given)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return done.returncode, [*done.stdout.splitlines(), *done.stderr.splitlines()]


def _free(playbook: str, death: Death, **options: Any) -> tuple[int, list[str]]:
    """The same; the lock of the run that was killed before has to be free in time."""
    deadline = time.monotonic() + FREE_S
    while (done := _run(playbook, death, **options))[0] == LOCKED:
        assert time.monotonic() < deadline, "the lock of a killed run was not released"
    return done


def chain(playbook: str, deaths: Iterator[Death], **options: Any) -> int:
    """Run *playbook*, each time to its next death, until a run ends by itself.

    Returns:
        How often the controller was killed.
    """
    for kills, death in zip(range(MOST), deaths, strict=False):
        code, lines = _free(playbook, death, **options)
        if code != KILLED:
            assert code == 0, "\n".join(lines[-20:])
            return kills
        print(f"{'':17} killed at {_last(lines)}", flush=True)
    raise AssertionError(f"{MOST} runs did not come to an end")


def _last(lines: list[str]) -> str:
    """The last event of a run that was killed."""
    events = [json.loads(line) for line in lines if line.startswith("{")]
    words = ("event", "host", "step")
    return " ".join(str(events[-1].get(word, "")) for word in words if events)


def everywhere(
    long: Sequence[str] = LONG, most_s: float = 6, seed: int = 1
) -> Iterator[Death]:
    """Inside each *long* step, then at each beginning and each end of a step."""
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


def somewhere(times: int) -> Iterator[Death]:
    """A few times at random ends of steps, and then no more."""
    for _ in range(times):
        yield {"event": "StepChanged", "number": random.randint(1, 8)}
    while True:
        yield {}


def _deployed(kills: int) -> None:
    print(f"{'':17} killed {kills} times")
    cluster.heals(90)
    cluster.clean()
    assert cluster.plan().code == 0, "something is left to do"


def _gone() -> None:
    for host in cluster.HOSTS:
        left = on(host, LEFT).strip()
        assert not left, f"{host} still has {left}"
    cluster.clean()


LEFT = r"""
docker ps -aq --filter label=provision.cluster 2>/dev/null
ls -d /var/lib/provision* /etc/provision* /opt/provision* \
    /etc/systemd/system/*provision* 2>/dev/null
getent passwd | grep -i -e '^ray' -e '^provision'
pgrep -l 'raylet|gcs_server'
true
"""


@fault(
    PART,
    "the controller is killed two or three times in a deploy",
    done="SIGKILL at randomly chosen ends of steps, on hosts that have Docker and the "
    "image; then a deploy that is left alone.",
    outcome=FINISHED,
    todo=AGAIN,
    about_s=110,
)
def sometimes() -> None:
    invoke("teardown", "--inventory", INVENTORY, "--yes").ended(0)
    _deployed(chain("deploy", somewhere(random.randint(2, 3))))


@fault(
    PART,
    "the controller is killed at every step of a cold deploy of the head",
    done="SIGKILL at each beginning and end of a step, and inside the long ones, each "
    "time by the next deploy, from a bare host on.",
    outcome=FINISHED,
    todo=AGAIN,
    about_s=500,
)
def cold_head() -> None:
    lab.reset(["node1"])
    with tempfile.TemporaryDirectory() as folder:
        inventory = _head_alone(Path(folder))
        kills = chain("deploy", everywhere(), inventory=inventory)
        print(f"{'':17} killed {kills} times")
        cluster.heals(90, until=lambda: cluster.alive() == {"node1"})
        cluster.clean()
    lab.reset(["node1"])


def _head_alone(folder: Path) -> str:
    """The lab's inventory without its workers; its secrets lie beside it, too."""
    lines = (ROOT / INVENTORY).read_text().replace("../.lab", str(ROOT / ".lab"))
    inventory = yaml.safe_load(lines)
    inventory["all"]["children"]["workers"]["hosts"] = {}
    path = folder / "head.yml"
    path.write_text(yaml.safe_dump(inventory))
    return str(path)


@fault(
    PART,
    "the controller is killed at every step of a cold deploy of the workers",
    done="The same on two bare workers at once, beside a head that runs.",
    outcome=FINISHED,
    todo=AGAIN,
    about_s=400,
    cluster=True,
)
def cold_workers() -> None:
    lab.reset(["node2", "node3"])
    _deployed(chain("deploy", everywhere()))


@fault(
    PART,
    "the controller is killed at every step of a teardown",
    done="SIGKILL at each beginning and end of a step of `teardown --level engine`, and "
    "inside the long ones.",
    outcome="The next teardown goes on and leaves nothing of ours; a deploy after it "
    "begins from bare hosts, and ends well.",
    todo="Run `invoke teardown` again.",
    about_s=300,
    cluster=True,
)
def teardown() -> None:
    deaths = everywhere(LONG_OF_TEARDOWN, most_s=2)
    kills = chain("teardown", deaths, tags=LEVELS["engine"])
    print(f"{'':17} killed {kills} times")
    _gone()
    cluster.deployed()
