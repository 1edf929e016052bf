"""The smoke job: its program, run with a stand-in for Ray, and what is made of its output."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from provision.config.inventory import Inventory
from provision.errors import HostError
from provision.model.shell import Reply
from provision.ray import smoke as module
from provision.ray.smoke import PROGRAM, smoke
from provision.ray.stopped.stopped import StoppedError

LAB = Inventory.parse(
    {
        "head": {"hosts": {"node1": {"address": "10.0.0.1"}}},
        "workers": {"hosts": {"node2": {"address": "10.0.0.2"}}},
        "others": {"hosts": {"nfs": {"address": "10.0.0.3"}}},
    },
    cluster="lab",
)
RAY = '''
"""Stands in for Ray: a node of DEAD is listed for a while, and takes no task."""
import sys, types
DEAD, FOREVER = {dead!r}, {forever!r}
listed = ["one", "two"] + DEAD
asked = 0

class TaskUnschedulableError(Exception): pass

class On:
    def __init__(self, node, soft): self.node = node

def module(name, **names):
    made = sys.modules[name] = types.ModuleType(name)
    made.__dict__.update(names)
    return made

util = module("ray.util", get_node_ip_address=lambda: where)
module("ray.util.scheduling_strategies", NodeAffinitySchedulingStrategy=On)
module("ray.exceptions", TaskUnschedulableError=TaskUnschedulableError)
where = ""

def init(**options): pass

def nodes():
    global asked
    asked += 1
    return [{{"NodeID": n, "Alive": n not in DEAD or FOREVER or asked < 4}} for n in listed]

class Task:
    def __init__(self, function): self.function, self.on = function, None
    def options(self, scheduling_strategy):
        made = Task(self.function)
        made.on = scheduling_strategy.node
        return made
    def remote(self, number): return self, number

def remote(**options): return Task

def get(task, timeout):
    global where
    task, number = task
    if task.on in DEAD: raise TaskUnschedulableError("doesn't exist any more")
    where = {{"one": "10.0.0.1", "two": "10.0.0.2"}}[task.on]
    return task.function(number)
'''


def job(folder: Path, *, dead: list[str], forever: bool) -> tuple[int, str, str]:
    """Exit code, output and errors of the program; a second lasts a hundredth of one."""
    (folder / "ray.py").write_text(RAY.format(dead=dead, forever=forever))
    fast = PROGRAM.replace("time.sleep(1)", "time.sleep(0.01)").replace("+ 30", "+ 1")
    done = subprocess.run(
        [sys.executable, "-c", fast],
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("dead", [[], ["a former one"], ["three", "a"]])
def test_a_node_that_has_just_died_is_left_out(tmp_path: Path, dead: list[str]) -> None:
    code, output, errors = job(tmp_path, dead=dead, forever=False)
    assert code == 0, errors
    results = json.loads(output)
    assert [square for square, _ in results] == [n**2 for n in range(len(results))]
    assert {address for _, address in results} == {"10.0.0.1", "10.0.0.2"}


def test_a_node_that_stays_listed_and_takes_no_task_is_a_failure(
    tmp_path: Path,
) -> None:
    code, _, errors = job(tmp_path, dead=["dead"], forever=True)
    assert (code, "doesn't exist any more" in errors) == (1, True), errors


def answering(monkeypatch: pytest.MonkeyPatch, reply: Reply, marks: str = "") -> None:
    def ask_all(*_: Any) -> list[Reply]:
        return [Reply(marks), reply]

    monkeypatch.setattr(module, "ask_all", ask_all)


def test_it_passes_when_each_host_that_runs_ray_took_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output = json.dumps([[0, "10.0.0.1"], [1, "10.0.0.2"], [4, "10.0.0.9"]])
    late = "[2026-11-28 07:36:31,042 W 4218 4218] raylet: a line of a log"
    answering(monkeypatch, Reply(f"a line of Ray's\n{output}\n{late}\n"))
    assert smoke(LAB).ran_on == {0: "node1", 1: "node2", 2: "10.0.0.9"}


def test_a_host_without_a_node_fails_it_and_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output = json.dumps([[0, "10.0.0.1"], [1, "10.0.0.1"]])
    answering(monkeypatch, Reply(output))
    with pytest.raises(HostError, match=r"ALIVE on node2: .* on 1 of 2 hosts"):
        smoke(LAB)


def test_an_output_without_a_result_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, Reply("[2026-11-28 07:36:31,042 W 4218] a line of a log\n"))
    with pytest.raises(HostError, match="printed no result"):
        smoke(LAB)


def test_a_worker_that_was_stopped_on_purpose_is_not_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output = json.dumps([[0, "10.0.0.1"], [1, "10.0.0.1"]])
    answering(monkeypatch, Reply(output), marks='stopped node "10.0.0.2"\n')
    assert smoke(LAB).stopped == ("node2",)
    answering(monkeypatch, Reply(output), marks='stopped node "10.0.0.9"\n')
    with pytest.raises(HostError, match="ALIVE on node2"):
        smoke(LAB)


def test_a_head_that_was_stopped_on_purpose_is_told_with_what_to_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = "since 2026-11-27 19:00 UTC by anna@laptop"
    answering(monkeypatch, Reply(exit=1), marks=f"stopped={words}\n")
    with pytest.raises(
        StoppedError, match=f"node1: Ray is stopped on purpose {words}"
    ) as found:
        smoke(LAB)
    assert "start` starts what was stopped" in found.value.hint
    assert found.value.exit_code == 2
