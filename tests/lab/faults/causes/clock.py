"""Wrong clocks: hosts of the lab share the kernel's, so libfaketime fakes the time."""

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
from faults.fault import CannotInjectError, fault
from faults.fault_host import fault_host, file_step, run_as_root, slow_step

HEADING = "a clock is wrong"
STEPS = [file_step("before"), slow_step("slow"), file_step("after")]
NAMES = ("after", "before", "slow")
OFF_S = 600
WORKER = "node3"
IN_CONTAINER = "/var/lib/provision-lab/ray/libfaketime.so.1"
"""Mounted at the same path in the Ray container."""
SHORT_WAIT = ("--set", "ray_settle_s=60")
CHUNK = 100_000
"""Characters of one argument; Linux takes 131072."""


@contextlib.contextmanager
def _library() -> Iterator[Path]:
    """Provide libfaketime from its package, without installing it."""
    with tempfile.TemporaryDirectory() as folder:
        fetch = ["apt-get", "download", "libfaketime"]
        try:
            subprocess.run(fetch, cwd=folder, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise CannotInjectError("libfaketime cannot be downloaded here") from error
        [package] = Path(folder).glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
        [library] = Path(folder).glob("usr/lib/*/faketime/libfaketime.so.1")
        yield library


def _fake_time(library: str, offset: str) -> dict[str, str]:
    """Return the environment of a program with a wrong clock."""
    return {
        "LD_PRELOAD": library,
        "FAKETIME": offset,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def _assert_off(printed: str) -> None:
    off_s = abs(int(printed) - time.time())
    assert abs(off_s - OFF_S) < 15, f"the clock is {off_s:.0f} s off"


@fault(
    HEADING,
    "the clocks of controller and host are 10 minutes apart",
    injection="The controller runs with libfaketime, once 10 minutes fast and once slow.",
    outcome="No effect: times are measured on one machine, and files are compared by "
    "content (exit 0). Only the times in logs are wrong.",
    estimate_s=20,
)
def of_the_controller() -> None:
    with _library() as library:
        for offset in (f"+{OFF_S}s", f"-{OFF_S}s"):
            env = _fake_time(str(library), offset)
            date = ("date", "+%s")
            _assert_off(subprocess.check_output(date, env=os.environ | env, text=True))
            with fault_host() as host:
                host.start(STEPS, env=env).expect_exit(0)
                host.assert_files(*NAMES)
                assert "0 changed" in host.deploy(STEPS)


@fault(
    HEADING,
    "the clock of a Ray node is 10 minutes off",
    injection="A worker's container is deployed with libfaketime, 10 minutes fast.",
    outcome="The node joins, is ALIVE, its metrics are up and it runs tasks. Its log "
    "lines have the wrong time.",
    todo="Set the clock, and synchronise it with NTP.",
    estimate_s=120,
    cluster=True,
)
def of_a_node() -> None:
    with _library() as library:
        content = base64.b64encode(library.read_bytes()).decode()
    run_as_root(WORKER, f": >{IN_CONTAINER}")
    for start in range(0, len(content), CHUNK):
        part = content[start : start + CHUNK]
        run_as_root(WORKER, f"echo {part} | base64 -d >>{IN_CONTAINER}")
    faked = _fake_time(IN_CONTAINER, f"+{OFF_S}s")
    try:
        settings = ", ".join(f"{name}: '{value}'" for name, value in faked.items())
        only = ("--limit", WORKER, "--set", f"ray_env={{{settings}}}", *SHORT_WAIT)
        done = cluster.deploy(*only)
        if "OSError: [Errno 22] Invalid argument" in done.output:
            raise CannotInjectError(
                "Ray does not work with libfaketime (sleeping fails), and the lab's hosts "
                "share one clock"
            )
        done.expect_exit(0)
        _assert_off(run_as_root(WORKER, "docker exec ray-lab date +%s"))
        cluster.wait_until_healthy(120)
        output = invoke("smoke", "--inventory", INVENTORY).expect_exit(0).output
        assert WORKER in output, "no task ran there"
    finally:
        cluster.deploy().expect_exit(0)
        run_as_root(WORKER, f"rm {IN_CONTAINER}")
