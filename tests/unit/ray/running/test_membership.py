"""Hosts that come and leave: the inventory is edited when, and only when, it should be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from place import Place

from provision.config.inventory import Inventory, load
from provision.errors import ConnectError, InventoryError, LockHeldError, OptionError
from provision.model.result import HostResult, Run
from provision.ray import deployed_hosts, other_clusters
from provision.ray.running import membership as module
from provision.ray.running import running
from provision.ray.running.membership import (
    NodeChange,
    prepare_add,
    prepare_drain,
    prepare_remove,
    prepare_replace,
)

TEXT = """\
all: { vars: { cluster: one } }
head: { hosts: { h: } }
workers:
  hosts:
    a: # the old one
    b: { ansible_host: 10.0.0.2 } # upper shelf
big:
  hosts:
    b:
"""


class Engine:
    """Stands in for the engine: it keeps the runs; *away* hosts cannot be reached."""

    def __init__(self) -> None:
        self.runs: list[tuple[str, str, tuple[str, ...], str]] = []
        self.away: set[str] = set()
        self.error: BaseException | None = None
        self.sets: dict[str, Any] = {}
        self.path = Path()

    def _run(self, verb: str, hosts: Inventory, book: str, options: Any) -> Run:
        limit = options.get("limit", "")
        self.runs.append((verb, book, tuple(hosts.hosts), limit))
        self.sets = dict(options.get("sets", {}))
        if self.error:
            raise self.error
        run = Run()
        run.hosts = {name: HostResult() for name in hosts.hosts}
        for name in self.away & run.hosts.keys():
            if not limit or name in limit.split(","):
                run.hosts[name].error = ConnectError("away")
        return run

    def plan(self, hosts: Inventory, book: str, **options: Any) -> Run:
        return self._run("plan", hosts, book, options)

    def apply(self, hosts: Inventory, book: str, **options: Any) -> Run:
        return self._run("apply", hosts, book, options)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    for one in (module, running):
        monkeypatch.setattr(one, "plan", made.plan)
        monkeypatch.setattr(one, "apply", made.apply)
    monkeypatch.setattr(other_clusters, "other_clusters", lambda *_: {})
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "inv.yml"
    made.write_text(TEXT)
    return made


def add(path: Path, name: str = "c", **more: Any) -> NodeChange:
    return prepare_add(load(path), [path], name, **more)


def test_a_host_that_comes_is_looked_at_and_all_are_deployed(
    path: Path, engine: Engine
) -> None:
    change = add(path, variables={"ansible_host": "10.0.0.3"})
    assert path.read_text() == TEXT, "nothing is written before it is asked for"
    runs = change.apply()
    line = "    c: { ansible_host: 10.0.0.3 }\n"
    assert path.read_text() == TEXT.replace("big:", f"{line}big:")
    every = ("h", "a", "b", "c")
    assert engine.runs == [
        ("plan", "deploy", every, "c"),
        ("apply", "deploy", every, ""),
    ]
    assert len(runs) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt(), LockHeldError("held"), None])
def test_the_inventory_is_put_back_when_the_host_cannot_come(
    path: Path, engine: Engine, error: BaseException | None
) -> None:
    engine.error, engine.away = error, {"c"}
    change = add(path)
    if error:
        with pytest.raises(type(error)):
            change.apply()
    else:
        assert [run.exit_code for run in change.apply()] == [4]
    assert path.read_text() == TEXT
    assert [verb for verb, *_ in engine.runs] == ["plan"]


def test_a_worker_that_leaves_is_cleared_before_it_goes_from_the_inventory(
    path: Path, engine: Engine
) -> None:
    before = load(path)
    deployed_hosts.record(before, before.hosts)
    prepare_remove(before, [path], "b").apply()
    gone = TEXT.replace("    b: { ansible_host: 10.0.0.2 } # upper shelf\n", "")
    assert path.read_text() == gone.replace("    b:\n", "")
    assert engine.runs == [
        ("apply", "prune", ("h", "b"), ""),
        ("apply", "deploy", ("h", "a"), ""),
    ]
    assert deployed_hosts.left(load(path)) is None, "it is forgotten, too"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), LockHeldError("held"), None])
def test_a_worker_that_could_not_be_cleared_stays_in_the_inventory(
    path: Path, engine: Engine, error: BaseException | None
) -> None:
    engine.error, engine.away = error, {"b"}
    change = prepare_remove(load(path), [path], "b")
    if error:
        with pytest.raises(type(error)):
            change.apply()
    else:
        change.apply()
    assert path.read_text() == TEXT
    assert [book for _, book, *_ in engine.runs] == ["prune"]


def test_one_that_is_lost_goes_without_being_asked(path: Path, engine: Engine) -> None:
    engine.away = {"b"}
    prepare_remove(load(path), [path], "b", lost=True).apply()
    assert [book for _, book, *_ in engine.runs] == ["deploy"]
    assert "b" not in load(path).hosts


def test_a_replacement_comes_into_all_groups_before_the_other_leaves(
    path: Path, engine: Engine
) -> None:
    change = prepare_replace(load(path), [path], "b", "c", variables={"x": 1})
    shown = [line for line in change.diff()[2:] if line[0] in "+-"]
    assert shown == [
        "-    b: { ansible_host: 10.0.0.2 } # upper shelf",
        "+    c: { x: 1 }",
        "-    b:",
        "+    c:",
    ]
    change.apply()
    assert [run[:2] for run in engine.runs] == [
        ("plan", "deploy"),
        ("apply", "deploy"),
        ("apply", "prune"),
        ("apply", "deploy"),
    ]
    hosts = load(path).hosts
    assert set(hosts) == {"h", "a", "c"} and "big" in hosts["c"].groups


def test_nothing_leaves_when_the_replacement_cannot_come(
    path: Path, engine: Engine
) -> None:
    engine.away = {"c"}
    prepare_replace(load(path), [path], "b", "c").apply()
    assert [run[:2] for run in engine.runs] == [("plan", "deploy")]
    assert path.read_text() == TEXT


def test_a_drain_stops_the_one_worker(path: Path, engine: Engine) -> None:
    job = prepare_drain(load(path), "b")
    assert job.hosts == ("b",)
    job.apply()
    assert engine.runs == [("apply", "stop", ("h", "a", "b"), "h,b")]
    assert engine.sets["hosts_to_stop"] == ["b"]
    assert "@" in engine.sets["stopped_by"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda i, p: prepare_remove(i, [p], "h"), "h is the head"),
        (lambda i, p: prepare_remove(i, [p], "x"), "there is no host x"),
        (lambda i, p: prepare_drain(i, "h"), "h is the head"),
        (lambda i, p: prepare_drain(i, "x"), "there is no host x"),
        (lambda i, p: prepare_replace(i, [p], "h", "x"), "h is the head"),
        (lambda i, p: prepare_replace(i, [p], "a", "b"), "b is in the inventory"),
        (
            lambda i, p: prepare_add(i, [p], "a"),
            r"a is in the inventory already \(.*inv.yml:5\)",
        ),
        (lambda i, p: prepare_add(i, [p], "x", groups=["head"]), "has one head"),
        (lambda i, p: prepare_add(i, [p], "x", groups=["wrkers"]), "no group wrkers"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    path: Path, engine: Engine, call: Any, words: str
) -> None:
    inventory = load(path)
    with pytest.raises(OptionError, match=words) as raised:
        call(inventory, path)
    assert raised.value.hint and "\n" not in str(raised.value)
    assert (engine.runs, path.read_text()) == ([], TEXT)


def test_a_generated_inventory_is_refused_before_anything(
    tmp_path: Path, engine: Engine
) -> None:
    program = tmp_path / "made"
    program.write_text(
        '#!/bin/sh\necho \'{"head": {"hosts": ["h"]}, "workers": {"hosts": ["a"]}}\'\n'
    )
    program.chmod(0o755)
    with pytest.raises(InventoryError, match="is a program"):
        prepare_remove(load(program), [program], "a")
    assert engine.runs == []


def test_hosts_to_stop_are_chosen_as_by_limit(path: Path, engine: Engine) -> None:
    assert running.prepare_stop(load(path)).hosts == ("h", "a", "b")
    assert running.prepare_start(load(path), limit="all:!b").hosts == ("h", "a")
    with pytest.raises(InventoryError):
        running.prepare_stop(load(path), limit="nobody")
    running.restart(load(path), limit="a")
    assert [run[1:] for run in engine.runs] == [
        ("stop", ("h", "a", "b"), "h,a"),
        ("start", ("h", "a", "b"), "h,a"),
    ]


def test_the_diff_is_shown_and_nothing_is_done_without_a_word(here: Place) -> None:
    path = here.folder / "inv.yml"
    path.write_text(TEXT)
    code, shown = here("node.remove", "b", "--inventory", "inv.yml")
    assert code == 5 and "add --yes" in shown
    assert "-    b: { ansible_host: 10.0.0.2 } # upper shelf" in shown
    code, shown = here("node.add", "c", "--inventory", "inv.yml", "--check")
    assert (code, "+    c:" in shown) == (3, True)
    assert path.read_text() == TEXT
    words = ("--inventory", "inv.yml", "--yes", "--no-deploy", "--var", "x=0123")
    code, shown = here("node.add", "c", *words)
    assert code == 0
    assert "    c: { x: 0123 }\n" in path.read_text()
