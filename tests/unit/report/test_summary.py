"""The end of a run: hosts, counts, failures, and one sentence with the result."""

from __future__ import annotations

import io
from typing import Any

from provision.errors import ApplyError, ConnectError
from provision.model.change import Change
from provision.model.events import (
    Cause,
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


def blocked(host: str, play: str, failed: str) -> Event:
    """An event of *play* blocked on *host*, because the play hosts failed on *failed*."""
    by = Cause(f"{failed} in hosts", failed, "hosts")
    return HostBlocked(host=host, play=play, by=by, steps=2)


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
        blocked("node1", "nodes", "node2"),
    )
    assert printed(run).splitlines()[-5:] == [
        "node2: docker engine (deploy.yml:30): exit code 100",
        "  blocked by it: play nodes on node1 (2 steps)",
        "node3: timed out",
        "",
        "3 hosts: 1 changed, 2 failed, 2 blocked in 74 s",
    ]


def test_a_failure_of_many_hosts_is_one_line() -> None:
    dead = [HostFailed(host=f"node{n}", error=ConnectError("no")) for n in range(1, 9)]
    lines = printed(run_of(Mode.APPLY, *dead, hosts=8)).splitlines()
    assert lines[-3] == "node1, node2, node3 and 5 more: no"


def unknown_key(host: str) -> Event:
    error = ConnectError(f"unknown host key of {host}")
    error.once = "unknown host key; accept it"
    return HostFailed(host=host, play="hosts", error=error)


def test_what_one_cause_blocked_is_one_line_however_many_hosts_and_plays() -> None:
    hosts = [f"node{n}" for n in range(1, 5)]
    plays = ["exporters", "metrics", "head", "workers", "nodes"]
    failed = [unknown_key(host) for host in hosts]
    rest = [blocked(host, play, host) for host in hosts for play in plays]
    lines = printed(run_of(Mode.APPLY, *failed, *rest, hosts=4)).splitlines()
    assert lines[-4:-2] == [
        "node1, node2, node3 and 1 more: unknown host key; accept it",
        "  blocked by it: plays exporters, metrics, head, workers and nodes "
        "on node1, node2, node3 and 1 more (40 steps)",
    ]


def test_each_cause_has_what_it_blocked_and_no_other() -> None:
    one = StepFailed(host="node1", **ABOUT, error=ApplyError("no image"))
    other = HostFailed(host="node2", play="hosts", error=ConnectError("timed out"))
    rest = [blocked("node1", "head", "node1"), blocked("node3", "workers", "node2")]
    lines = printed(run_of(Mode.APPLY, one, other, *rest)).splitlines()
    assert lines[-6:-2] == [
        "node1: docker engine (deploy.yml:30): no image",
        "  blocked by it: play head on node1 (2 steps)",
        "node2: timed out",
        "  blocked by it: play workers on node3 (2 steps)",
    ]


def test_what_an_interruption_blocked_is_one_line_too() -> None:
    by = Cause("the interruption")
    rest = [
        HostBlocked(host=f"node{n}", play="workers", by=by, steps=1) for n in (1, 2, 3)
    ]
    lines = printed(run_of(Mode.APPLY, *rest, interrupted=True)).splitlines()
    assert lines[-3] == (
        "blocked by the interruption: play workers on node1, node2 and node3 (3 steps)"
    )


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
