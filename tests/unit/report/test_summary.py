"""The end of a run: hosts, counts, failures, and one sentence with the result."""

from __future__ import annotations

import io
from typing import Any

from provision.errors import ApplyError, ConnectError
from provision.model.change import Change
from provision.model.events import (
    Event,
    HostBlocked,
    HostDone,
    HostFailed,
    RunEnded,
    RunStarted,
    StepChanged,
    StepFailed,
    StepOk,
    StepPlanned,
)
from provision.model.mode import Mode
from provision.model.result import Run
from provision.report.console import output
from provision.report.summary import sentence, summary

CHANGES = (Change("mode", "700", "755"),)
ABOUT: dict[str, Any] = {
    "play": "hosts",
    "step": "docker engine",
    "where": "deploy.yml:30",
}


def run_of(
    mode: Mode, *events: Event, hosts: int = 3, interrupted: bool = False
) -> Run:
    run = Run()
    names = [f"node{number}" for number in range(1, hosts + 1)]
    run(RunStarted(mode=mode, cluster="lab", steps=dict.fromkeys(names, 1)))
    for event in events:
        run(event)
    for name in names:
        run(HostDone(host=name, round_trips=1, seconds=0.5))
    run(RunEnded(seconds=74, interrupted=interrupted))
    return run


def changed(host: str) -> Event:
    return StepChanged(host=host, **ABOUT, changes=CHANGES, seconds=1)


def planned(host: str) -> Event:
    return StepPlanned(host=host, **ABOUT, changes=CHANGES)


def sentence_of(run: Run, then: str = "") -> str:
    return sentence(run, then=then).plain


def printed(run: Run) -> str:
    screen = io.StringIO()
    output(screen).show(*summary(run))
    return screen.getvalue()


def test_a_run_with_nothing_to_do_says_so_with_round_trips_and_time() -> None:
    assert sentence_of(run_of(Mode.APPLY)) == (
        "nothing to do, 0 changed: 3 hosts are as described, 1 round trip each (74 s)"
    )
    assert sentence_of(run_of(Mode.PLAN, hosts=1)) == (
        "plan: nothing differs: 1 host is as described, 1 round trip each (74 s)"
    )


def test_changes_are_counted() -> None:
    run = run_of(Mode.APPLY, changed("node1"), changed("node1"), changed("node2"))
    assert sentence_of(run) == "3 hosts: 3 changed, 0 failed in 74 s"


def test_a_plan_names_the_command_that_applies_it() -> None:
    run = run_of(Mode.PLAN, planned("node1"), planned("node2"))
    assert sentence_of(run, "invoke deploy") == (
        "plan: 2 steps would change on 2 hosts; run `invoke deploy` to apply"
    )
    verified = run_of(Mode.VERIFY, planned("node1"))
    assert sentence_of(verified) == "verify: 1 step differs on 1 host"


def test_failures_are_repeated_above_the_last_line() -> None:
    run = run_of(
        Mode.APPLY,
        changed("node1"),
        StepFailed(host="node2", **ABOUT, error=ApplyError("exit code 100\nmore")),
        HostFailed(host="node3", error=ConnectError("timed out")),
        HostBlocked(host="node1", play="nodes", by="node2 in hosts", steps=2),
    )
    assert printed(run).splitlines()[-4:] == [
        "node2: docker engine (deploy.yml:30): exit code 100",
        "node3: timed out",
        "",
        "3 hosts: 1 changed, 2 failed, 2 blocked in 74 s",
    ]


def test_a_failure_of_many_hosts_is_one_line() -> None:
    dead = [HostFailed(host=f"node{n}", error=ConnectError("no")) for n in range(1, 9)]
    lines = printed(run_of(Mode.APPLY, *dead, hosts=8)).splitlines()
    assert lines[-3] == "node1, node2, node3 and 5 more: no"


def test_a_plan_with_an_unreachable_host_does_not_claim_success() -> None:
    dead = HostFailed(host="node3", error=ConnectError("timed out"))
    assert sentence_of(run_of(Mode.PLAN, dead)) == (
        "3 hosts: 0 steps would change, 1 failed in 74 s"
    )


def test_an_interrupted_run_says_that_the_next_one_continues() -> None:
    assert sentence_of(run_of(Mode.APPLY, changed("node1"), interrupted=True)) == (
        "interrupted after 74 s: 3 hosts: 1 changed, 0 failed; "
        "the next run continues from here"
    )


def test_the_table_has_a_row_for_each_host() -> None:
    ok = [StepOk(host="node1", play="hosts", step="x")] * 4
    text = printed(run_of(Mode.APPLY, *ok, changed("node2")))
    rows = [line.split() for line in text.splitlines() if line.startswith("node")]
    assert rows == [
        ["node1", "4", "0", "0", "0", "1", "0.5"],
        ["node2", "0", "1", "0", "0", "1", "0.5"],
        ["node3", "0", "0", "0", "0", "1", "0.5"],
    ]


def test_many_hosts_are_grouped_by_equal_counts() -> None:
    failed = StepFailed(host="node7", **ABOUT, error=ApplyError("no"))
    text = printed(run_of(Mode.APPLY, changed("node5"), failed, hosts=200))
    rows = [line for line in text.splitlines() if line.startswith("node")]
    assert [row.split("  ")[0] for row in rows[:3]] == [
        "node1 and 197 more",
        "node5",
        "node7",
    ]
