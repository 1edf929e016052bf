"""Secrets the cluster has and this machine has not are taken over, never made anew."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from provision import api
from provision.config.playbook.load import load
from provision.config.playbook.play import Playbook
from provision.engine import secret_recovery
from provision.errors import ConnectError, LockHeldError
from provision.model.result import Run

BOOK = """
- play: tokens
  hosts: all
  steps:
    - file:
        path: "FOLDER/{{ inventory_hostname }}-token"
        content: "{{ secret('ray_token') }}"
        owner: "OWNER"
        group: "GROUP"
        mode: "400"
"""


class Controller:
    """A machine that deploys from its own *folder* to the same two hosts."""

    def __init__(self, tmp_path: Path, name: str) -> None:
        self.folder = tmp_path / name
        self.folder.mkdir()
        self.hosts = tmp_path / "hosts"
        self.hosts.mkdir(exist_ok=True)
        text = BOOK.replace("FOLDER", str(self.hosts))
        text = text.replace("OWNER", str(os.geteuid()))
        (self.folder / "book.yml").write_text(text.replace("GROUP", str(os.getegid())))
        about: dict[str, Any] = {
            "vars": {
                "cluster": "adopt",
                "ansible_connection": "local",
                "ansible_become": False,
            },
            "children": {
                "head": {"hosts": {"a": {}}},
                "workers": {"hosts": {"b": {}}},
            },
        }
        (self.folder / "inv.yml").write_text(json.dumps({"all": about}))

    @property
    def book(self) -> Playbook:
        return load(self.folder / "book.yml")

    def apply(self, **options: str) -> Run:
        return api.apply(self.folder / "inv.yml", self.book, **options)  # type: ignore[arg-type]

    def plan(self) -> Run:
        return api.plan(self.folder / "inv.yml", self.book)

    @property
    def kept(self) -> Path:
        return self.folder / ".provision/adopt/ray_token"

    def on(self, host: str) -> str:
        return (self.hosts / f"{host}-token").read_text()


def test_a_second_controller_takes_the_clusters_token_over(tmp_path: Path) -> None:
    first, second = Controller(tmp_path, "first"), Controller(tmp_path, "second")
    first.apply()
    token = first.on("a")

    seen = second.plan()
    assert (seen.exit_code, seen.planned) == (0, 0)
    assert not second.kept.exists(), "a plan keeps nothing"

    run = second.apply()
    assert (run.exit_code, run.changed) == (0, 0)
    assert second.kept.read_text().strip() == token == first.on("b")
    assert second.kept.stat().st_mode & 0o777 == 0o600
    [warning] = run.warnings
    assert "ray_token is the one that a has in" in warning
    assert token not in warning


def test_it_does_so_also_when_the_head_is_not_among_the_chosen_hosts(
    tmp_path: Path,
) -> None:
    first, second = Controller(tmp_path, "first"), Controller(tmp_path, "second")
    first.apply()
    assert second.apply(limit="b").changed == 0


def test_what_the_head_has_counts(tmp_path: Path) -> None:
    first, second = Controller(tmp_path, "first"), Controller(tmp_path, "second")
    first.apply()
    (first.hosts / "b-token").unlink()
    (first.hosts / "b-token").write_text("another")
    assert second.apply().changed == 1
    assert second.on("b") == first.on("a")


def test_bare_hosts_get_a_new_one_and_nothing_is_said(tmp_path: Path) -> None:
    run = Controller(tmp_path, "first").apply()
    assert (run.changed, run.warnings) == (2, [])


def test_a_head_that_cannot_be_asked_stops_a_deploy_that_would_make_one(
    tmp_path: Path,
) -> None:
    first = Controller(tmp_path, "first")
    text = (first.folder / "inv.yml").read_text()
    dead = {
        "ansible_connection": "ssh",
        "ansible_host": "127.0.0.1",
        "ansible_port": 1,
        "ansible_user": "nobody",
    }
    (first.folder / "inv.yml").write_text(
        text.replace('"a": {}', f'"a": {json.dumps(dead)}')
    )
    with pytest.raises(ConnectError) as refused:
        first.apply()
    assert "a cannot be asked whether the cluster has ray_token" in str(refused.value)
    assert not first.kept.exists()
    assert not list(first.hosts.iterdir())


def test_a_plan_goes_on_and_says_what_it_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead(*_: object) -> None:
        raise ConnectError("timed out after 10 s")

    monkeypatch.setattr(secret_recovery, "ask", dead)
    run = Controller(tmp_path, "first").plan()
    assert run.planned == 2
    assert run.warnings == [
        "a cannot be asked whether the cluster has ray_token, which this machine has "
        "not: timed out after 10 s"
    ]


def test_a_run_that_is_refused_the_lock_keeps_none_it_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that has the lock may be bringing its own to hosts that had none."""
    first, second = Controller(tmp_path, "first"), Controller(tmp_path, "second")

    def refused(*_: Any, **__: Any) -> None:
        assert second.kept.exists()
        raise LockHeldError("held")

    with monkeypatch.context() as patched:
        patched.setattr("provision.engine.run.execute", refused)
        with pytest.raises(LockHeldError):
            second.apply()
    assert not second.kept.exists()
    first.apply()
    assert second.apply().changed == 0
    assert second.kept.read_text() == first.kept.read_text()
