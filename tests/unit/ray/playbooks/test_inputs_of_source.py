"""`ray_runtime: source` in the playbook: bad inputs, and checks before all changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provision.config import playbook as playbooks
from provision.config.inventory import Inventory
from provision.errors import InputError, InputErrors
from provision.model.step import Step
from provision.ray.steps.source.source import RaySource, RaySourceFound
from provision.secrets.credentials import Credentials
from provision.secrets.store import SecretMode, Secrets
from provision.steps.python.environment import PythonEnvironment

DEPLOY = Path(__file__).parents[4] / "playbooks/deploy.yml"
SOURCE = {"url": "https://example.org/ray.git", "ref": "main"}


def steps(folder: Path, sets: dict[str, Any], **worker: Any) -> dict[str, list[Step]]:
    """Return the steps of each host, in the order in which they come."""
    hosts = {
        "head": {"hosts": {"node1": {"address": "10.0.0.1"}}},
        "workers": {"hosts": {"node2": {"address": "10.0.0.2", **worker}}},
    }
    own = {"all": {"vars": {"ray_runtime": "source", **sets}}}
    bound = playbooks.bind(
        playbooks.load(DEPLOY),
        Inventory.parse({**hosts, **own}, cluster="lab"),
        secrets=Secrets(folder, SecretMode.GENERATE, Credentials(environment={})),
        sets={},
    )
    found: dict[str, list[Step]] = {}
    for play in bound.plays:
        for host, row in play.steps.items():
            found.setdefault(host, []).extend(item.step for item in row)
    return found


def test_sources_are_looked_for_before_anything_changes(tmp_path: Path) -> None:
    for host, found in steps(tmp_path, {"ray_source": SOURCE}).items():
        kinds = [step.kind for step in found]
        before = found[: kinds.index(RaySourceFound.kind)]
        assert all(step.checks_only for step in before), host
        [wheel] = [step for step in found if isinstance(step, PythonEnvironment)]
        [laid] = [step for step in found if isinstance(step, RaySource)]
        assert (wheel.link, laid.ref, laid.folder) == ("base", "main", wheel.folder)
        assert found.index(wheel) < found.index(laid)


@pytest.mark.parametrize("missing", ["url", "ref"])
def test_what_is_missing_is_named(tmp_path: Path, missing: str) -> None:
    rest = {name: value for name, value in SOURCE.items() if name != missing}
    with pytest.raises((InputError, InputErrors)) as caught:
        steps(tmp_path, {"ray_source": rest})
    assert "ray_source: needs `url` and `ref`" in str(caught.value)


def test_a_worker_with_other_sources_than_the_head_is_refused(tmp_path: Path) -> None:
    other = {"url": "https://me:secret@example.org/fork.git", "ref": "fix"}
    with pytest.raises((InputError, InputErrors)) as caught:
        steps(tmp_path, {"ray_source": SOURCE}, ray_source=other)
    told = str(caught.value)
    assert "the sources at fix of https://example.org/fork.git" in told
    assert "the head those at main of https://example.org/ray.git" in told
    assert "secret" not in told
