"""A teardown: how much it removes, and what is recorded afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provision.config.inventory import Inventory, load
from provision.errors import ApplyError, OptionError, RefusedError
from provision.model.result import HostResult, Run, StepResult
from provision.ray import deployed_hosts, other_clusters
from provision.ray import teardown as module
from provision.ray.teardown import prepare_teardown, teardown

INVENTORY = """
all: {vars: {cluster: one, ansible_connection: local}}
head: {hosts: {a: {}}}
workers: {hosts: {b: {}}}
"""


class Runs:
    """Stands in for `plan` and `apply`, and keeps what they were called with."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.error: ApplyError | None = None
        self.refused: RefusedError | None = None
        self.applied = 0

    def __call__(self, inventory: Inventory, playbook: str, **options: Any) -> Run:
        self.calls.append({**options, "inventory": inventory, "playbook": playbook})
        run = Run()
        run.hosts = {name: HostResult(error=self.error) for name in inventory.hosts}
        if self.refused:
            step = StepResult(
                "engine", "docker engine", "docker_engine_absent", "", "failed"
            )
            step.error = self.refused
            run.hosts["a"].steps.append(step)
        return run

    def apply(self, inventory: Inventory, playbook: str, **options: Any) -> Run:
        self.applied += 1
        return self(inventory, playbook, **options)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    made = Runs()
    monkeypatch.setattr(module, "apply", made.apply)
    monkeypatch.setattr(module, "plan", made)
    return made


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Other clusters by host; to be filled by the test."""
    found: dict[str, list[str]] = {}
    monkeypatch.setattr(other_clusters, "other_clusters", lambda *_: found)
    return found


@pytest.fixture
def inventory(tmp_path: Path, shared: dict[str, list[str]]) -> Inventory:
    (tmp_path / "inv.yml").write_text(INVENTORY)
    loaded = load(tmp_path / "inv.yml")
    deployed_hosts.record(loaded, ["a", "b"])
    return loaded


def recorded(inventory: Inventory) -> set[str]:
    return set(deployed_hosts._read(inventory))


@pytest.mark.parametrize("level", ["data", "images", "engine"])
def test_a_level_is_tags_of_the_playbook(
    inventory: Inventory, runs: Runs, level: str
) -> None:
    teardown(inventory, level=level, limit="a", sets={"x": 1})
    *asked, call = runs.calls
    assert len(asked) == (level == "engine"), "an engine may refuse to go"
    assert (call["playbook"], call["limit"]) == ("teardown", "a")
    assert (call["tags"], call["sets"]) == (module.LEVELS[level], {"x": 1})


def test_a_level_that_does_not_exist_is_refused(
    inventory: Inventory, runs: Runs
) -> None:
    with pytest.raises(OptionError, match="data, images, engine"):
        teardown(inventory, level="all")
    assert not runs.calls


def test_nothing_is_touched_where_a_host_refuses(
    inventory: Inventory, runs: Runs
) -> None:
    runs.refused = RefusedError("the engine has volumes: pgdata")
    run = teardown(inventory, level="engine")
    assert run.exit_code == RefusedError.exit_code
    assert not runs.applied


def test_metrics_can_be_kept(inventory: Inventory, runs: Runs) -> None:
    teardown(inventory, keep_data=True)
    assert runs.calls[0]["sets"] == {"keep_data": True}


def test_shared_hosts_are_asked_once_and_warned_about_in_each_run(
    inventory: Inventory, runs: Runs, shared: dict[str, list[str]]
) -> None:
    shared["b"] = ["three", "two"]
    prepared = prepare_teardown(inventory)
    shared.clear()
    prepared.plan()
    prepared.apply()
    for call in runs.calls:
        assert call["sets"] == {"shared": ["b"]}
        [warning] = call["inventory"].warnings
        assert warning.startswith("b is a host of cluster three and two as well")


def test_hosts_are_forgotten_once_they_are_clear(
    inventory: Inventory, runs: Runs
) -> None:
    prepared = prepare_teardown(inventory)
    prepared.plan()
    assert recorded(inventory) == {"a", "b"}
    runs.error = ApplyError("no")
    assert prepared.apply().exit_code == 2
    assert recorded(inventory) == {"a", "b"}, "the next teardown needs them"
    runs.error = None
    prepared.apply()
    assert recorded(inventory) == set()
