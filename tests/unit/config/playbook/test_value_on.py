"""`value_on(HOST, 'name')`: a variable as another host of the play has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provision.config import playbook as playbooks
from provision.config.inventory import Inventory
from provision.errors import InputError, InputErrors
from provision.secrets.credentials import Credentials
from provision.secrets.store import SecretMode, Secrets

BOOK = """
- play: p
  hosts: all
  vars: {mode: "700", derived: "{{ mode }}"}
  steps:
    - directory: {path: /srv/x, mode: "{{ value_on(groups.one[0], 'NAME') }}"}
"""
HOSTS = {
    "one": {"hosts": {"a": {"mode": "711"}}},
    "two": {"hosts": {"b": None, "c": None}},
}


def modes(folder: Path, name: str, **sets: Any) -> set[str]:
    book = folder / "book.yml"
    book.write_text(BOOK.replace("NAME", name))
    secrets = Secrets(folder, SecretMode.READ, Credentials(environment={}))
    inventory = Inventory.parse(HOSTS, cluster="c")
    bound = playbooks.bind(playbooks.load(book), inventory, secrets=secrets, sets=sets)
    rows = [row for play in bound.plays for row in play.steps.values()]
    return {one.step.mode for row in rows for one in row}  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["mode", "derived"])
def test_it_is_that_of_the_other_host_also_through_templates(
    tmp_path: Path, name: str
) -> None:
    assert modes(tmp_path, name) == {"711"}
    assert modes(tmp_path, name, mode="755") == {"755"}, "--set wins on every host"


def test_one_that_there_is_not_is_an_error(tmp_path: Path) -> None:
    with pytest.raises((InputError, InputErrors), match="a has no variable 'mod'"):
        modes(tmp_path, "mod")
