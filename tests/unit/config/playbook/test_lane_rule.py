"""Two lanes of a host may not describe the same thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provision.config import playbook as playbooks
from provision.config.inventory import Inventory
from provision.config.playbook import Bound
from provision.errors import PlaybookError
from provision.secrets.credentials import Credentials
from provision.secrets.store import SecretMode, Secrets

BOOK = """\
- play: one
  hosts: all
  steps:
    - file: {path: /srv/note, content: one}
- play: two
  hosts: HOSTS
  lane: LANE
  steps:
    - directory: {path: PATH}
"""
HOSTS: dict[str, Any] = {"all": {"hosts": {"node1": {}, "node2": {}}}}


def bind(folder: Path, **words: Any) -> Bound:
    text = BOOK
    for word, value in {"HOSTS": "all", "LANE": "other", **words}.items():
        text = text.replace(word, value)
    return bind_text(folder, text)


def bind_text(folder: Path, text: str) -> Bound:
    (folder / "book.yml").write_text(text)
    secrets = Secrets(
        folder / "secrets", SecretMode.GENERATE, Credentials(environment={})
    )
    book = playbooks.load(folder / "book.yml")
    return playbooks.bind(book, Inventory.parse(HOSTS), secrets=secrets)


def test_a_thing_in_two_lanes_is_refused_once_with_both_places(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError) as caught:
        bind(tmp_path, PATH="/srv/note")
    text = str(caught.value)
    assert text.startswith(f"{tmp_path}/book.yml:9")
    assert f"({tmp_path}/book.yml:4)" in text
    assert "in the lane 'other'" in text
    assert "put both plays into one lane" in text


BOTH = """\
- play: one
  hosts: all
  steps:
    - {}
- play: two
  hosts: all
  lane: other
  steps:
    - {}
"""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("packages: {names: [curl]}", "packages_absent: {names: [jq, curl]}"),
        ("file: {path: /srv/x, content: y}", "file_absent: {paths: [/srv/x]}"),
        (
            "systemd_unit: {name: a.service, content: x}",
            "systemd_unit: {name: a.service, content: y}",
        ),
        (
            "systemd_unit: {name: a.service, content: x}",
            "systemd_unit_absent: {names: [a.service]}",
        ),
    ],
)
def test_all_that_a_step_describes_counts(tmp_path: Path, one: str, other: str) -> None:
    with pytest.raises(PlaybookError, match="in the lane 'other'"):
        bind_text(tmp_path, BOTH.format(one, other))


def test_a_package_that_both_lanes_need_is_fine(tmp_path: Path) -> None:
    both = ("packages: {names: [curl, jq]}", "packages: {names: [curl]}")
    assert len(bind_text(tmp_path, BOTH.format(*both)).plays) == 2


def test_other_things_and_equal_lanes_are_fine(tmp_path: Path) -> None:
    assert [play.lane for play in bind(tmp_path, PATH="/srv/x").plays] == ["", "other"]
    assert len(bind(tmp_path, PATH="/srv/note", LANE="''").plays) == 2


def test_the_shipped_playbooks_have_no_conflict(tmp_path: Path) -> None:
    secrets = Secrets(
        tmp_path / "secrets", SecretMode.GENERATE, Credentials(environment={})
    )
    groups = {
        "head": {"hosts": {"node1": {"address": "10.0.0.1"}}},
        "workers": {"hosts": {"node2": {"address": "10.0.0.2"}}},
    }
    lab = Inventory.parse({"all": {"children": groups}}, cluster="lab")
    book = playbooks.load(Path("playbooks/deploy.yml"))
    bound = playbooks.bind(
        book, lab, secrets=secrets, sets={"ray_tls": True, "firewall": True}
    )
    assert {play.lane for play in bound.plays} == {"", "metrics"}
