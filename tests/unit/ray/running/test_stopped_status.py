"""status, plan and deploy about nodes that were stopped on purpose."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from provision import cli
from provision.cli.ray.stopped import show_stopped
from provision.config.inventory import Inventory
from provision.engine import run as engine
from provision.model.change import Change
from provision.model.events import Event, RunEnded, RunStarted, StepOk, StepPlanned
from provision.model.mode import Mode
from provision.model.result import Run
from provision.ray.doctor.finding import Diagnosis
from provision.ray.stopped.stopped import stopped_in, stopped_lines

SINCE = "since 2026-11-27 19:00 UTC by anna@laptop"
MARK = {"stopped": SINCE}
ENGINE = {"engine": "installed", "running": "true", "version": "20.10.24"}
RUNS = {"image": "rayproject/ray:2.60.0", "status": "running", "health": "healthy"}
ENDED = {"image": "rayproject/ray:2.60.0", "status": "exited"}
HOSTS = ("node1", "node2", "node3")
INVENTORY = {
    "all": {"vars": {"ansible_connection": "local", "metrics": False}},
    "head": {"hosts": {"node1": {"address": "10.0.0.1"}}},
    "workers": {"hosts": {f"node{n}": {"address": f"10.0.0.{n}"} for n in (2, 3)}},
}


def ok(host: str, kind: str, observed: dict[str, str]) -> Event:
    return StepOk(host=host, play="p", step=kind, kind=kind, observed=observed)


def of_nodes(**observed: dict[str, str]) -> list[Event]:
    kinds = {"node1": "ray_head"}
    engines = [ok(host, "docker_engine", ENGINE) for host in HOSTS]
    return engines + [
        ok(host, kinds.get(host, "ray_worker"), its) for host, its in observed.items()
    ]


def run_of(events: list[Event]) -> Run:
    run = Run()
    run(RunStarted(mode=Mode.VERIFY, steps=dict.fromkeys(HOSTS, 3)))
    for event in (*events, RunEnded(seconds=1)):
        run(event)
    return run


def screen(
    events: list[Event], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[int, str]:
    """Exit code and output of `provision status`, which finds *events*."""

    def verify(inventory: Inventory, playbook: str, **options: Any) -> Run:
        return run_of(events)

    monkeypatch.setattr(engine, "verify", verify)
    (folder / "lab.yml").write_text(json.dumps(INVENTORY))
    out = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out):
        try:
            cli.main(["provision", "status", "--inventory", "lab.yml"])
        except SystemExit as ended:
            return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_one_stopped_worker_is_counted_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = {"node1 (10.0.0.1)": "ALIVE", "node2 (10.0.0.2)": "ALIVE"}
    events = of_nodes(node1=RUNS, node2=RUNS, node3=ENDED | MARK)
    code, shown = screen(
        [*events, ok("node1", "ray_nodes", nodes)], tmp_path, monkeypatch
    )
    assert code == 0
    assert "2 of 3 nodes ALIVE, 1 stopped on purpose" in shown
    assert f"stopped on purpose {SINCE}: node3" in shown
    assert "missing" not in shown


def test_a_stopped_cluster_is_neither_missing_nor_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = of_nodes(**dict.fromkeys(HOSTS, ENDED | MARK))
    code, shown = screen(
        [*events, ok("node1", "ray_nodes", MARK)], tmp_path, monkeypatch
    )
    assert code == 0
    assert f"stopped on purpose {SINCE}: node1, node2 and node3" in shown
    assert "missing" not in shown and "unknown" not in shown
    assert "ALIVE" not in shown


def test_a_worker_that_lost_its_stopped_head_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = of_nodes(node1=ENDED | MARK, node2=RUNS, node3=RUNS)
    _code, shown = screen(
        [*events, ok("node1", "ray_nodes", MARK)], tmp_path, monkeypatch
    )
    assert f"stopped on purpose {SINCE}: unknown how many of 3" in shown


def test_hosts_are_named_by_who_stopped_them_and_when() -> None:
    lines = [*stopped_lines({"a": "x", "b": "y", "c": "x"})]
    assert lines[:2] == ["x: a and c", "y: b"]
    assert [*stopped_lines({})] == []


def test_a_run_shows_what_it_left_stopped(capsys: pytest.CaptureFixture[str]) -> None:
    show_stopped(run_of(of_nodes(node1=RUNS, node2=RUNS, node3=RUNS)))
    assert capsys.readouterr().out == ""
    started = StepPlanned(
        host="node2",
        play="p",
        step="s",
        kind="ray_worker",
        observed=ENDED,
        changes=(Change("status", "exited", "running"),),
    )
    show_stopped(run_of([*of_nodes(node1=RUNS, node3=ENDED | MARK), started]))
    shown = capsys.readouterr().out
    assert f"stopped on purpose {SINCE}: node3" in shown and "node2" not in shown


@pytest.mark.parametrize("kind", ["ray_head_process", "ray_worker_process"])
def test_a_process_that_was_stopped_is_one_as_well(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    observed = {"status": "stopped"} | MARK
    events = [ok(host, kind, observed) for host in HOSTS]
    assert {*stopped_in(run_of(events))} == {*HOSTS}
    code, shown = screen(
        [*events, ok("node1", "ray_nodes", MARK)], tmp_path, monkeypatch
    )
    assert code == 0
    assert shown.count("stopped on purpose") == len(HOSTS) + 1
    assert "pip stopped" in shown


def test_doctor_has_the_hosts_that_were_stopped() -> None:
    found = Diagnosis(
        "lab", {}, stopped=stopped_in(run_of(of_nodes(node3=ENDED | MARK)))
    )
    assert found.as_dict()["stopped"] == {"node3": f"stopped on purpose {SINCE}"}
    assert found.exit_code(strict=True) == 0
    assert "`" in "".join(stopped_lines(found.stopped))
