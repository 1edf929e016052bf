"""The controller itself: two at once, and one that is killed."""

from __future__ import annotations

import getpass
import re
import socket
import time

from faults.fault import AGAIN, fault
from faults.fault_host import FOLDER, scene, slow, text, wait_until

PART = "the controller is in the way, or gone"
STEPS = [text("before"), slow("slow", 20), text("after")]
QUICK = [text("before"), text("slow"), text("after")]
NAMES = ("after", "before", "slow")
REFUSED_S = 10


@fault(
    PART,
    "two runs want to change the same cluster",
    done="A second deploy while a step of the first runs; then the first is killed with "
    "SIGKILL, and a third begins.",
    outcome="The second is refused at once: who holds the lock, from where, since when "
    "(exit 6). When the first is dead its lock is free within 10 s.",
    todo="Wait for the other run, or end it.",
    about_s=20,
)
def two_runs() -> None:
    with scene() as at:
        first = at.start(STEPS)
        first.see(f"applying file {FOLDER}/slow")
        started = time.monotonic()
        said = at.deploy(QUICK, code=6)
        assert time.monotonic() - started < REFUSED_S
        who = f"{getpass.getuser()}@{socket.gethostname()}"
        assert (
            f"is being changed by {who}, process {first.process.pid}, since 2" in said
        )
        assert at.files().count("after") == 0
        first.kill()
        at.unlocked()
        at.deploy(QUICK)
        at.is_whole(*NAMES)


@fault(
    PART,
    "the controller is killed while a step runs",
    done="SIGKILL to the controller in the middle of a step.",
    outcome="What the step runs on the host is killed as well, within seconds; nothing "
    "unfinished and no lock is left.",
    todo=AGAIN,
    about_s=20,
)
def killed_in_a_step() -> None:
    with scene() as at:
        run = at.start(STEPS)
        run.see(f"applying file {FOLDER}/slow")
        wait_until(lambda: at.notes() == ["slow"], 10, "the step runs")
        run.kill()
        wait_until(
            lambda: not at.on("pgrep -f 'sleep 2[0]' || true"), 10, "the step is killed"
        )
        wait_until(lambda: at.files() == ["before"], 5, "its temporary file is gone")
        at.is_whole("before")
        at.deploy(QUICK)
        at.is_whole(*NAMES)


@fault(
    PART,
    "the controller is stopped for a minute, as a laptop that sleeps",
    done="SIGSTOP to the controller for 45 s in the middle of a step, then SIGCONT; "
    "another run begins meanwhile.",
    outcome="Its lock is free after 30 s, and another run may begin. When it wakes up it "
    "takes the lock again before its next change, or ends (exit 6) if another has it.",
    about_s=80,
)
def stopped() -> None:
    with scene() as at:
        run = at.start([text("before"), slow("slow", 3), text("after")])
        run.see(f"applying file {FOLDER}/slow")
        run.process.send_signal(19)
        at.unlocked(limit_s=40)
        other = at.start([slow("other", 15)])
        other.see(f"applying file {FOLDER}/other")
        run.process.send_signal(18)
        said = run.ended(6)
        assert re.search(rf"is being changed by .*process {other.process.pid}", said)
        other.ended(0)
        at.deploy(QUICK)
        assert at.files() == sorted([*NAMES, "other"])
        at.unlocked()
