"""Every step says what it could write before its changes are known."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from provision.config.registry import step_class

CASES = sorted(Path(__file__).parents[2].joinpath("cases").glob("*/*.yml"))


@pytest.mark.parametrize(
    "path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_the_things_of_a_step_are_known_without_its_changes(path: Path) -> None:
    case = yaml.safe_load(path.read_text())
    step = step_class(path.parent.name)(**case["params"])
    assert not step.thing or step.thing in step.writes(())
