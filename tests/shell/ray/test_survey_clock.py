"""The clock of a host, as a look at it finds it: the time that the host takes is no offset."""

from __future__ import annotations

import time
from pathlib import Path

from shells import EACH_SHELL, bare_tools, run, run_bare

from provision.model.change import State
from provision.model.shell import Reply
from provision.ray.doctor.look.facts import Facts
from provision.ray.doctor.look.survey import AHEAD_LEAST, AHEAD_MOST, Survey
from provision.ray.doctor.rules.between_hosts import clock_findings

Shell = tuple[str, ...]


def bounds(found: State) -> tuple[int, int]:
    return int(found[AHEAD_LEAST]), int(found[AHEAD_MOST])


@EACH_SHELL
def test_the_clock_of_this_machine_is_within_the_bounds(shell: Shell) -> None:
    look = Survey()
    least, most = bounds(look.observe(run(shell, look.probe())))
    assert least <= 0 <= most


def test_a_clock_that_is_ahead_is_outside_of_the_bounds(tmp_path: Path) -> None:
    tools = bare_tools(tmp_path / "bin")
    real = (tools / "date").readlink()
    (tools / "date").unlink()
    (tools / "date").write_text(f'#!/bin/sh\nexec {real} -d "+90 seconds" "$@"\n')
    (tools / "date").chmod(0o755)
    look = Survey()
    least, most = bounds(look.observe(run_bare(("/bin/sh",), look.probe(), tools)))
    assert 10 < least <= 90 <= most


def looked(host: str, *, took: int, ahead: int = 0, before: int = 0) -> Facts:
    """The facts about a host that took some seconds, of which some before its look."""
    asked = int(time.time()) - took
    first = asked + before + ahead
    text = f"clock_asked={asked}\nclock_first={first}\nclock_last={first + 1}\n"
    return Facts(host, Survey().observe(Reply(text)))


def test_a_slow_host_beside_a_fast_one_is_no_finding() -> None:
    slow = looked("slow", took=70)
    late = looked("late", took=70, before=68)
    assert list(clock_findings([slow, looked("fast", took=0), late])) == []


def test_a_wrong_clock_of_a_slow_host_is_found() -> None:
    slow = looked("slow", took=70, ahead=200)
    [one] = clock_findings([slow, looked("fast", took=0), looked("other", took=1)])
    assert (one.host, one.id) == ("slow", "clock")
    assert "ahead of" in one.seen
    [one] = clock_findings([looked("fast", took=0), looked("back", took=70, ahead=-90)])
    assert (one.host, "behind" in one.seen) == ("back", True)


def test_a_host_that_tells_no_time_is_not_judged() -> None:
    found = Survey().observe(Reply("clock_asked=5\nclock_first=x\nclock_last=7\n"))
    assert AHEAD_LEAST not in found
    assert list(clock_findings([Facts("a", found), looked("b", took=0)])) == []
