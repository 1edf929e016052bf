"""The pure parts of the benchmarks: ratios, goals, the critical path, import times."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path

from benchmarks.farm.farm import addresses
from benchmarks.farm.hosts import PLAYBOOKS, Goods
from benchmarks.parts.comparison import CONNECT, FLOOR, OURS, Results, section
from benchmarks.parts.contenders import Contender
from benchmarks.parts.critical_path import Cold, critical_path_s, sleeper
from benchmarks.parts.peers import schedule
from benchmarks.parts.startup import heaviest
from benchmarks.tables import Goal, spread, table
from provision.engine.host.converge import HostPlay
from provision.engine.scheduler import Node, ScheduledPlay
from provision.model.framing import Task, run_tasks


def test_a_table_lines_up() -> None:
    assert table(["who", "s"], [["ours", "1"], ["x", "10.5"]]) == [
        "| who  | s    |",
        "| ---- | ---- |",
        "| ours | 1    |",
        "| x    | 10.5 |",
    ]


def test_a_spread_is_the_median_and_its_range() -> None:
    assert spread([3.0, 1.0, 2.0]) == "2.00 (1.00-3.00)"
    assert spread([1.234], 1) == "1.2"
    assert spread([]) == "-"


def test_a_goal_is_met_at_its_limit() -> None:
    assert Goal("wall", 1.3, 1.3).met
    assert not Goal("wall", 1.31, 1.3).met
    assert Goal("times less", 70, 70, at_least=True).met
    assert Goal("wall", 2, 1.3).row() == ["wall", "<= 1.3", "2", "**missed**"]


def test_ratios_are_of_medians_and_goals_only_of_what_was_run() -> None:
    results = Results()
    for name, walls in ((OURS, [2.0, 3.0, 9.0]), (FLOOR, [2.0, 2.0, 2.0])):
        results.of(name, 100).wall_s.extend(walls)
    assert results.ratio("wall_s", OURS, FLOOR, 100) == 1.5
    assert math.isnan(results.middle("wall_s", CONNECT, 100))
    part = section(results)
    assert [goal.what for goal in part.goals] == ["wall over the floor's, at N=100"]
    assert results.series() == {OURS: [(100, 3.0)], FLOOR: [(100, 2.0)]}


def test_what_a_longer_run_takes_is_foreseen() -> None:
    results = Results()
    assert results.expected_s("slow", 100) == 0.0
    results.of("slow", 10).wall_s.append(30.0)
    assert results.expected_s("slow", 100) == 300.0
    results.skipped.append(("slow", 100))
    assert "Not run: slow on 100 hosts" in section(results).text()


def test_contenders_take_turns_and_long_ones_run_once() -> None:
    def command(*_: object) -> None:
        raise AssertionError

    short = Contender("short", command, (1, 2))  # type: ignore[arg-type]
    long = Contender("long", command, (1, 2), once=2)  # type: ignore[arg-type]
    order = [(one.name, size) for one, size in schedule([short, long], [1, 2], 2)]
    assert order == [
        *[("short", 1), ("long", 1)] * 2,
        *[("short", 2), ("short", 2), ("long", 2)],
    ]


def test_the_critical_path_is_the_longest_chain() -> None:
    a, b, c = HostPlay("p", "a", ()), HostPlay("p", "b", ()), HostPlay("q", "a", ())
    gate = ScheduledPlay("p", (), 0, (a, b))
    nodes: dict[Node, tuple[Node, ...]] = {a: (), b: (), gate: (a, b), c: (gate,)}
    assert critical_path_s(nodes, {a: 1.0, b: 3.0, c: 0.5}) == 3.5


def test_no_schedule_beats_the_critical_path_and_barriers_are_worse() -> None:
    cold = Cold(20)
    assert cold.critical_path_s() <= cold.play_barriers_s() <= cold.barriers_s()


def test_a_simulated_host_answers_as_a_host_does() -> None:
    cold, host = Cold(1), sleeper(1.0)
    host.open()
    [step, *_] = cold.steps("hosts", "head")
    work = step.step
    quick = work.model_copy(update={"seconds": 0.001})

    def printed(*tasks: Task) -> list[str]:
        return [reply.stdout for reply in run_tasks(host.run, tasks, limit_s=9)]

    assert printed(Task(work.probe())) == [""]
    [_, seen] = printed(Task(quick.apply([]), strict=True), Task(work.probe()))
    assert seen == "done=true"


def test_addresses_are_all_different_and_on_loopback() -> None:
    many = addresses(500)
    assert len(set(many)) == 500
    assert many[0] == "127.77.0.1"
    assert all(name.startswith("127.77.") for name in many)


def test_heavy_imports_come_first() -> None:
    told = (
        "import time:       100 |        200 |   yaml.nodes\n"
        "import time:       300 |       5000 | yaml\n"
        "import time:       300 |       9000 | provision.api\n"
    )
    assert heaviest(told) == [(9.0, "provision.api"), (5.0, "yaml")]


def test_the_floors_script_finds_what_is_there(tmp_path: Path) -> None:
    goods = Goods.make(tmp_path)
    script = (PLAYBOOKS / "floor15.sh").read_text()
    done = subprocess.run(
        ["sh", "-c", script, "sh", str(goods.folder)],
        env={"PATH": f"{tmp_path}/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    *lines, end = [
        line for line in done.stdout.splitlines() if not line.startswith("package ")
    ]
    facts = [fact for fact in goods.facts if not fact.startswith("package ")]
    assert sorted(lines) == facts, "packages are asked of dpkg, which not all have"
    assert end == "@end"
