"""Golden cases: what a reply of a host means to a step; a new file is a new case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.config.registry import kinds, step_class
from provision.errors import HostError
from provision.model.shell import Reply

CASES = Path(__file__).parents[2] / "cases"
FILES = sorted(CASES.glob("*/*.yml"))
FEWEST = 2


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_golden_case_holds(path: Path) -> None:
    case: dict[str, Any] = yaml.safe_load(path.read_text())
    step = step_class(path.parent.name)(**case["params"])
    reply = Reply(case.get("reply", ""), exit=case.get("exit", 0))
    if "error" in case:
        with pytest.raises(HostError) as caught:
            step.plan(step.observe(reply))
        assert caught.value.message == case["error"]
        return
    state = step.observe(reply)
    assert case.get("state", state) == state
    changes = step.plan(state)
    assert [str(change) for change in changes] == case["changes"]
    sh = step.apply(changes)
    script = "\n".join([sh.text, *sh.args, *sh.params.values()])
    assert [words for words in case.get("script", []) if words not in script] == []


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_has_golden_cases(kind: str) -> None:
    found = [path for path in FILES if path.parent.name == kind]
    assert len(found) >= FEWEST, f"add {FEWEST} cases: tests/cases/{kind}/*.yml"


def test_every_case_belongs_to_a_kind() -> None:
    assert {path.parent.name for path in FILES} <= set(kinds())


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_case_has_no_key_that_nothing_reads(path: Path) -> None:
    known = {"params", "reply", "exit", "state", "changes", "script", "error"}
    assert yaml.safe_load(path.read_text()).keys() <= known
