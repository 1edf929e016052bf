"""Hosts with the same variables share a step; any difference gives one of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provision.config import playbook as playbooks
from provision.config.inventory import Inventory
from provision.config.playbook.step_cache import same
from provision.model.fields import WrittenInt
from provision.model.step import Step
from provision.secrets.credentials import Credentials
from provision.secrets.store import SecretMode, Secrets
from provision.steps.files.file import File

BOOK = """
- play: all
  hosts: all
  vars: {word: plain, outer: "{{ word }}"}
  steps:
    - file: {path: /etc/x, content: "%s"}
"""


def bind(folder: Path, content: str, **hosts: dict[str, Any]) -> dict[str, Step]:
    """The step of each host, whose variables are *hosts*."""
    (folder / "templates").mkdir(exist_ok=True)
    (folder / "templates" / "x.j2").write_text("{{ outer }}!")
    (folder / "templates" / "plain").write_text("{{ as it is }}")
    (folder / "book.yml").write_text(BOOK % content)
    inventory = Inventory.parse({"all": {"hosts": hosts}}, cluster="c")
    secrets = Secrets(
        folder / "secrets", SecretMode.GENERATE, Credentials(environment={})
    )
    bound = playbooks.bind(
        playbooks.load(folder / "book.yml"), inventory, secrets=secrets
    )
    return {host: row[0].step for host, row in bound.plays[0].steps.items()}


def contents(steps: dict[str, Step]) -> list[str]:
    return [str(step.content) for step in steps.values() if isinstance(step, File)]


@pytest.mark.parametrize(
    "content",
    [
        "text",
        "{{ outer }}",
        "{{ template('x.j2') }}",
        "{{ file('plain') }}",
        "{{ secret('s') }}",
    ],
)
def test_hosts_without_a_difference_share_the_step(
    tmp_path: Path, content: str
) -> None:
    steps = bind(tmp_path, content, a={}, b={"other": 1}, c={})
    assert steps["a"] is steps["b"] is steps["c"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{{ outer }}", ["plain", "odd", "plain"]),
        ("{{ template('x.j2') }}", ["plain!", "odd!", "plain!"]),
        ("{{ 'z' if word == 'odd' else word }}", ["plain", "z", "plain"]),
        ("{{ inventory_hostname }}", ["a", "b", "c"]),
        ("{{ host.vars.word | default('none') }}", ["none", "odd", "none"]),
    ],
)
def test_a_difference_at_any_depth_counts(
    tmp_path: Path, content: str, expected: list[str]
) -> None:
    steps = bind(tmp_path, content, a={}, b={"word": "odd"}, c={})
    assert contents(steps) == expected


def test_a_variable_that_only_one_host_has_counts(tmp_path: Path) -> None:
    steps = bind(tmp_path, "{{ more | default('no') }}", a={}, b={"more": "yes"})
    assert contents(steps) == ["no", "yes"]


def test_what_a_shared_step_uses_is_used_on_every_host(tmp_path: Path) -> None:
    (tmp_path / "book.yml").write_text(BOOK % "{{ outer }}")
    inventory = Inventory.parse({"all": {"hosts": {"a": {}, "b": {"word": "plain"}}}})
    secrets = Secrets(tmp_path, SecretMode.READ, Credentials())
    book = playbooks.load(tmp_path / "book.yml")
    assert not playbooks.bind(book, inventory, secrets=secrets).warnings


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        ([1], [True]),
        ({"a": 1}, {"a": True}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ([1], [1, 2]),
        ("1", 1),
        (WrittenInt(83, "0123"), WrittenInt(83, "83")),
    ],
)
def test_what_templates_tell_apart_is_not_the_same(one: Any, other: Any) -> None:
    assert not same(one, other)


def test_equal_copies_are_the_same() -> None:
    assert same({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]})
