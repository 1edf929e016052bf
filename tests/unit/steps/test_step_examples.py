"""The examples in the docstrings of steps are YAML that makes such a step."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator

import pytest
import yaml

from provision.config.registry import kinds, step_class


def examples() -> Iterator[tuple[str, str]]:
    """Kind and text of every example, also where a class has several."""
    for kind in kinds():
        text = inspect.getdoc(step_class(kind)) or ""
        found = re.search(r"^Example:\n((?:    .*\n)+)", text, re.MULTILINE)
        lines = found[1] if found else ""
        for example in re.split(rf"^(?=    {kind}:)", lines, flags=re.MULTILINE):
            if example.strip():
                yield kind, textwrap.dedent(example)


@pytest.mark.parametrize(("kind", "text"), list(examples()))
def test_an_example_makes_a_step(kind: str, text: str) -> None:
    [(name, params)] = yaml.safe_load(text).items()
    assert name == kind
    assert step_class(kind)(**params).probe().render()


def test_examples_are_found() -> None:
    assert len({kind for kind, _ in examples()}) >= 12
