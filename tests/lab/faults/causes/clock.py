"""Clocks that are wrong: the kernel has one for all here, so programs are lied to."""

from __future__ import annotations

import base64
import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from support.lab.commands import INVENTORY, invoke

from faults import cluster
from faults.fault import CannotBeDoneError, fault
from faults.fault_host import on, scene, slow, text

PART = "a clock is wrong"
STEPS = [text("before"), slow("slow"), text("after")]
NAMES = ("after", "before", "slow")
OFF_S = 600
WORKER = "node3"
IN_CONTAINER = "/var/lib/provision-lab/ray/libfaketime.so.1"
"""Mounted at the same path in the Ray container."""
SOON = ("--set", "ray_settle_s=60")
CHUNK = 100_000
"""Characters of one argument; Linux takes 131072."""


@contextlib.contextmanager
def _library() -> Iterator[Path]:
    """libfaketime, from its package; nothing is installed."""
    with tempfile.TemporaryDirectory() as folder:
        fetch = ["apt-get", "download", "libfaketime"]
        try:
            subprocess.run(fetch, cwd=folder, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise CannotBeDoneError("libfaketime is not to be had here") from error
        [package] = Path(folder).glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
        [library] = Path(folder).glob("usr/lib/*/faketime/libfaketime.so.1")
        yield library


def _lie(library: str, offset: str) -> dict[str, str]:
    """The environment of a program whose clock is off."""
    return {
        "LD_PRELOAD": library,
        "FAKETIME": offset,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def _is_off(said: str) -> None:
    off_s = abs(int(said) - time.time())
    assert abs(off_s - OFF_S) < 15, f"the clock is {off_s:.0f} s off"


@fault(
    PART,
    "the clocks of controller and host are 10 minutes apart",
    done="The controller runs with libfaketime, once 10 minutes fast and once slow.",
    outcome="Nothing depends on it: times are measured on one machine, and what is "
    "there is compared by content (exit 0). Only the times in logs are off.",
    about_s=20,
)
def of_the_controller() -> None:
    with _library() as library:
        for offset in (f"+{OFF_S}s", f"-{OFF_S}s"):
            env = _lie(str(library), offset)
            date = ("date", "+%s")
            _is_off(subprocess.check_output(date, env=os.environ | env, text=True))
            with scene() as at:
                at.start(STEPS, env=env).ended(0)
                at.is_whole(*NAMES)
                assert "0 changed" in at.deploy(STEPS)


@fault(
    PART,
    "the clock of a Ray node is 10 minutes off",
    done="A worker's container is deployed with libfaketime, 10 minutes fast.",
    outcome="The node joins, is ALIVE, its metrics are up and it runs tasks. Its log "
    "lines have the wrong time.",
    todo="Set the clock, and keep it right with NTP.",
    about_s=120,
    cluster=True,
)
def of_a_node() -> None:
    with _library() as library:
        content = base64.b64encode(library.read_bytes()).decode()
    on(WORKER, f": >{IN_CONTAINER}")
    for start in range(0, len(content), CHUNK):
        part = content[start : start + CHUNK]
        on(WORKER, f"echo {part} | base64 -d >>{IN_CONTAINER}")
    lie = _lie(IN_CONTAINER, f"+{OFF_S}s")
    try:
        settings = ", ".join(f"{name}: '{value}'" for name, value in lie.items())
        only = ("--limit", WORKER, "--set", f"ray_env={{{settings}}}", *SOON)
        done = cluster.deploy(*only)
        if "OSError: [Errno 22] Invalid argument" in done.output:
            raise CannotBeDoneError(
                "Ray does not bear libfaketime (sleeping fails in it), and the lab's "
                "hosts share one clock"
            )
        done.ended(0)
        _is_off(on(WORKER, "docker exec ray-lab date +%s"))
        cluster.heals(120)
        said = invoke("smoke", "--inventory", INVENTORY).ended(0).output
        assert WORKER in said, "no task ran there"
    finally:
        cluster.deploy().ended(0)
        on(WORKER, f"rm {IN_CONTAINER}")
