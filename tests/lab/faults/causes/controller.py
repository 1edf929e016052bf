"""Faults of the controller: two at the same time, one that is killed or stopped."""

from __future__ import annotations

import getpass
import re
import socket
import time

from faults.fault import AGAIN, fault
from faults.fault_host import FOLDER, fault_host, file_step, slow_step, wait_until

HEADING = "a controller is killed, stopped, or runs twice"
STEPS = [file_step("before"), slow_step("slow", 20), file_step("after")]
QUICK = [file_step("before"), file_step("slow"), file_step("after")]
NAMES = ("after", "before", "slow")
REFUSED_S = 10


@fault(
    HEADING,
    "two runs want to change the same cluster",
    injection="A second deploy while a step of the first runs; then the first is killed with "
    "SIGKILL, and a third begins.",
    outcome="The second ends at once (exit 6) and names the user, host, process and start "
    "time of the first. When the first dies its lock is released within 10 s.",
    todo="Wait for the other run, or stop it.",
    estimate_s=20,
)
def two_runs() -> None:
    with fault_host() as host:
        first = host.start(STEPS)
        first.wait_for_line(f"applying file {FOLDER}/slow")
        started = time.monotonic()
        output = host.deploy(QUICK, code=6)
        assert time.monotonic() - started < REFUSED_S
        who = f"{getpass.getuser()}@{socket.gethostname()}"
        assert (
            f"is being changed by {who}, process {first.process.pid}, since 2" in output
        )
        assert host.files().count("after") == 0
        first.kill()
        host.assert_unlocked()
        host.deploy(QUICK)
        host.assert_files(*NAMES)


@fault(
    HEADING,
    "the controller is killed while a step runs",
    injection="SIGKILL to the controller in the middle of a step.",
    outcome="The command of the step is killed on the host within seconds; no temporary "
    "file and no lock is left.",
    todo=AGAIN,
    estimate_s=20,
)
def killed_in_a_step() -> None:
    with fault_host() as host:
        run = host.start(STEPS)
        run.wait_for_line(f"applying file {FOLDER}/slow")
        wait_until(lambda: host.notes() == ["slow"], 10, "the step runs")
        run.kill()
        wait_until(
            lambda: not host.run("pgrep -f 'sleep 2[0]' || true"),
            10,
            "the step is killed",
        )
        wait_until(lambda: host.files() == ["before"], 5, "its temporary file is gone")
        host.assert_files("before")
        host.deploy(QUICK)
        host.assert_files(*NAMES)


@fault(
    HEADING,
    "the controller is suspended for a minute, as a laptop that sleeps",
    injection="SIGSTOP to the controller for 45 s in the middle of a step, then SIGCONT; "
    "another run begins meanwhile.",
    outcome="Its lock is released after 30 s, and another run can start. When it wakes up "
    "it takes the lock again before its next change, or ends (exit 6) if another run "
    "has it.",
    estimate_s=80,
)
def stopped() -> None:
    with fault_host() as host:
        run = host.start(
            [file_step("before"), slow_step("slow", 3), file_step("after")]
        )
        run.wait_for_line(f"applying file {FOLDER}/slow")
        run.process.send_signal(19)
        host.assert_unlocked(limit_s=40)
        other = host.start([slow_step("other", 15)])
        other.wait_for_line(f"applying file {FOLDER}/other")
        run.process.send_signal(18)
        output = run.expect_exit(6)
        assert re.search(rf"is being changed by .*process {other.process.pid}", output)
        other.expect_exit(0)
        host.deploy(QUICK)
        assert host.files() == sorted([*NAMES, "other"])
        host.assert_unlocked()
