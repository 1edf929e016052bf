"""A play can be switched off for a host, by a variable and before anything is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provision.config import playbook as playbooks
from provision.config.inventory import Inventory
from provision.config.playbook import Bound
from provision.errors import InputError
from provision.secrets.credentials import Credentials
from provision.secrets.store import SecretMode, Secrets

BOOK = """\
- play: metrics
  hosts: all
  enabled: "{{ metrics }}"
  vars: {metrics: true}
  steps:
    - file: {path: /srv/note, content: "{{ secret('token') }}"}
- play: rest
  hosts: all
  after: [metrics]
  steps:
    - directory: {path: /srv}
"""
HOSTS = {"all": {"hosts": {"node1": {}, "node2": {"metrics": False}}}}


def bind(folder: Path, text: str = BOOK, **options: Any) -> Bound:
    (folder / "book.yml").write_text(text)
    lab = Inventory.parse(HOSTS)
    secrets = Secrets(
        folder / "secrets", SecretMode.GENERATE, Credentials(environment={})
    )
    book = playbooks.load(folder / "book.yml")
    return playbooks.bind(book, lab, secrets=secrets, **options)


def test_a_variable_of_the_host_decides(tmp_path: Path) -> None:
    metrics, rest = bind(tmp_path).plays
    assert [*metrics.steps] == ["node1"]
    assert [*rest.steps] == ["node1", "node2"]


def test_what_is_switched_off_makes_no_secret(tmp_path: Path) -> None:
    bound = bind(tmp_path, sets={"metrics": False})
    assert bound.plays[0].steps == {}
    assert not (tmp_path / "secrets").exists()
    assert bound.warnings == ()


def test_a_play_without_the_key_is_on(tmp_path: Path) -> None:
    text = BOOK.replace('  enabled: "{{ metrics }}"\n', "")
    assert len(bind(tmp_path, text).plays[0].steps) == 2


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("maybe", "book.yml:3: plays[0].enabled: must be true or false, not 'maybe'"),
        ("{{ metric }}", "book.yml:3: plays[0].enabled: undefined variable 'metric'"),
    ],
)
def test_anything_else_is_refused(tmp_path: Path, value: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        bind(tmp_path, BOOK.replace("{{ metrics }}", value))
    assert problem in str(caught.value)
