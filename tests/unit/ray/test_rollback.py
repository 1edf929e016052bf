"""A rollback: which deploy it undoes, and if there is anything to go back to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provision.cli.ray.rollback import _hint as hint
from provision.config.inventory import Inventory, load
from provision.errors import ConnectError
from provision.model.change import Change
from provision.model.events import CheckUnmet, HostFailed, StepOk, StepPlanned
from provision.model.result import Run
from provision.ray import rollback as module
from provision.ray.rollback import can_undo, rollback
from provision.ray.steps.rollback import latest


def host(run: str, *, kept: bool = True, **more: str) -> dict[str, Any]:
    then = {"then.created": "before"} if kept else {}
    return {"now.run": run, "now.restart": "unless-stopped", **then, **more}


def test_the_last_deploy_is_undone_and_hosts_of_earlier_ones_stay() -> None:
    head, one, other = host("r1"), host("r2"), host("r2", kept=False)
    assert latest(iter([head, one, other, {}])) == "r2"
    assert [can_undo(h, "r2") for h in (head, one, other, {})] == [
        *(False, True, False, False)
    ]


def test_a_rollback_that_was_cut_off_goes_on() -> None:
    removed = {"then.created": "before"}
    not_started = host("r1", kept=False) | {"now.restart": "no"}
    assert can_undo(removed, "r2") and can_undo(not_started, "r2")


@pytest.mark.parametrize("seen", [[], [{}]])
def test_bare_hosts_have_no_deploy_to_undo(seen: list[dict[str, str]]) -> None:
    assert latest(iter(seen)) == ""


def test_a_rollback_that_has_ended_has_nothing_to_do() -> None:
    """The deploy before it is not undone as well."""
    done = host("r1", kept=False) | {"undone.run": "r2"}
    others = [host("r1"), host("r1")]
    assert latest(iter([*others, done])) == "r2"
    assert [can_undo(h, "r2") for h in (*others, done)] == [False, False, False]


def test_a_rollback_that_was_cut_off_between_hosts_goes_on() -> None:
    done = host("r1", kept=False) | {"undone.run": "r2"}
    assert latest(iter([host("r1"), done, host("r2")])) == "r2"
    assert can_undo(host("r2"), "r2")


class Cluster:
    """Stands in for `plan` and `apply` on two hosts that have given states."""

    def __init__(self, folder: Path) -> None:
        (folder / "inv.yml").write_text("head: {hosts: {a: {}}}\nall: {hosts: {b: {}}}")
        self.inventory: Inventory = load(folder / "inv.yml")
        self.states = {"a": host("r1"), "b": host("r2")}
        self.dead = ""
        self.applied: list[dict[str, Any]] = []

    def plan(self, inventory: Inventory, playbook: str, **options: Any) -> Run:
        run = Run()
        for name, state in self.states.items():
            if name == self.dead:
                run(HostFailed(host=name, play="p", error=ConnectError("away")))
                continue
            kind = "ray_previous"
            run(StepOk(host=name, play="p", step="s", kind=kind, observed=state))
        return run

    def apply(self, inventory: Inventory, playbook: str, **options: Any) -> Run:
        self.applied.append(options)
        return Run()


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster(tmp_path)
    monkeypatch.setattr(module, "plan", made.plan)
    monkeypatch.setattr(module, "apply", made.apply)
    return made


def test_only_containers_of_the_last_deploy_are_replaced(cluster: Cluster) -> None:
    run = rollback(cluster.inventory, sets={"x": 1}, limit="a:b")
    assert run and run.exit_code == 0
    [options] = cluster.applied
    assert options["sets"] == {"x": 1, "back_from": "r2"}
    assert options["limit"] == "a:b"


def test_nothing_is_changed_while_a_host_cannot_be_probed(cluster: Cluster) -> None:
    """It might be the one that was deployed last."""
    cluster.dead = "b"
    run = rollback(cluster.inventory)
    assert run and (run.exit_code, cluster.applied) == (4, [])


def test_without_a_former_container_there_is_nothing_to_do(cluster: Cluster) -> None:
    cluster.states = {"a": host("r1", kept=False), "b": {}}
    assert (rollback(cluster.inventory), cluster.applied) == (None, [])


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([], "shows no difference"),
        ([StepPlanned], "shows that as a difference in 1 step"),
        ([CheckUnmet], "shows a check that is not met"),
        ([HostFailed], "is unknown: b could not be probed"),
    ],
)
def test_what_the_next_plan_shows_is_planned_and_not_guessed(
    cluster: Cluster,
    monkeypatch: pytest.MonkeyPatch,
    steps: list[type],
    words: str,
) -> None:
    planned: list[tuple[str, dict[str, Any]]] = []

    def plan(inventory: Inventory, playbook: str, **options: Any) -> Run:
        planned.append((playbook, options))
        run = Run()
        if HostFailed in steps:
            run(HostFailed(host="b", play="p", error=ConnectError("away")))
        change = (Change("x", "1", "2"),)
        if CheckUnmet in steps:
            run(CheckUnmet(host="b", play="p", step="s", kind="k", left=change))
        if StepPlanned in steps:
            run(StepPlanned(host="b", play="p", step="s", kind="k", changes=change))
        return run

    found = module.find_rollback(cluster.inventory, sets={"x": 1})
    monkeypatch.setattr(module, "plan", plan)
    assert words in " ".join(hint(found.next_plan()))
    assert planned == [("deploy", {"forks": 100})], "what was set counts only once"
