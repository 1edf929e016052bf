"""Faults between two changes that are made in one script on a host."""

from __future__ import annotations

import json

from faults.fault import AGAIN, NOTHING, fault
from faults.fault_host import (
    FOLDER,
    FaultHost,
    fault_host,
    file_step,
    slow_step,
    wait_until,
)

HEADING = "something happens between two changes of one script"
SLOW_S = 21
STEPS = [file_step("before"), slow_step("slow", SLOW_S), file_step("after")]
QUICK = [file_step("before"), file_step("slow"), file_step("after")]
NAMES = ("after", "before", "slow")
SHELL = rf"""pid=$(pgrep -f '^sleep {SLOW_S}$' | head -n 1)
while [ "$pid" -gt 1 ]; do
    parent=$(awk '$1 == "PPid:" {{ print $2 }}' "/proc/$pid/status")
    case $(tr '\0' ' ' <"/proc/$parent/cmdline") in
    sudo* | sshd*) break ;;
    esac
    pid=$parent
done
kill -KILL "$pid"
cat "/proc/$pid/comm" 2>/dev/null || echo killed"""
"""Kills the shell that sudo, or sshd, started, whose descendant is the slow step."""


def _slow_step_runs(host: FaultHost) -> None:
    wait_until(lambda: host.notes() == ["slow"], 30, "the step runs")


def _steps(printed: str, outcome: str) -> list[str]:
    """Return the names of the files whose step had *outcome*, in their order."""
    lines = [line.split() for line in printed.splitlines()]
    return [
        words[3].rpartition("/")[2]
        for words in lines
        if words[1:3] == [outcome, "file"] and words[3].startswith(FOLDER)
    ]


@fault(
    HEADING,
    "the shell of a run is killed on the host",
    injection="SIGKILL to the shell on the host that makes three changes, during the second.",
    outcome="The step that ran fails by its name (exit 2); the one before it stays made, the "
    "one after it is not begun. Nothing is left of it on the host.",
    todo=AGAIN,
    estimate_s=20,
)
def shell_killed() -> None:
    with fault_host() as host:
        run = host.start(STEPS)
        _slow_step_runs(host)
        host.run(SHELL)
        printed = run.expect_exit(2)
        assert _steps(printed, "changed") == ["before"]
        assert _steps(printed, "FAILED") == ["slow"]
        wait_until(lambda: host.files() == ["before"], 10, "temporary files are gone")
        host.assert_files("before")
        host.deploy(QUICK)
        host.assert_files(*NAMES)


@fault(
    HEADING,
    "somebody writes the file of a later step meanwhile",
    injection="During the second of three changes another process writes the file that the "
    "third one is to create.",
    outcome="The script stops before the third change, which is planned anew from what is "
    "there now, and made.",
    todo=NOTHING,
    estimate_s=10,
)
def outdated() -> None:
    with fault_host() as host:
        run = host.start(
            [file_step("before"), slow_step("slow", 4), file_step("after")]
        )
        _slow_step_runs(host)
        host.run(f"echo somebody else >{FOLDER}/after")
        printed = run.expect_exit(0)
        assert _steps(printed, "changed") == ["before", "slow", "after"]
        assert host.run(f"cat {FOLDER}/after") == "content"
        host.assert_files(*NAMES)


@fault(
    HEADING,
    "the second of three changes fails",
    injection="The command of the second change ends with 7 on its first run.",
    outcome="That step fails by its name (exit 2); the one before it stays made, the one "
    "after it is not begun and is told as skipped.",
    todo=AGAIN,
    estimate_s=10,
)
def one_fails() -> None:
    with fault_host() as host:
        flag = json.dumps(f"{FOLDER}/.once")
        fails = f"[ -e {flag} ] && rm {flag} || {{ >{flag}; exit 7; }}"
        steps = [
            file_step("before"),
            file_step("slow", first=fails),
            file_step("after"),
        ]
        printed = host.deploy(steps, code=2)
        assert _steps(printed, "changed") == ["before"]
        assert _steps(printed, "FAILED") == ["slow"]
        assert "after" not in host.files()
        host.deploy(steps)
        host.assert_files(*NAMES)
