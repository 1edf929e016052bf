"""Certificates in playbooks: kept by a deploy, renewed by one, never anybody else's."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provision import api
from provision.config.inventory import Host
from provision.config.playbook.load import load
from provision.errors import LockHeldError, SecretError
from provision.model.events import OutputLine
from provision.model.result import Run
from provision.secrets import signing
from provision.secrets.redaction import MASK, redactor

CLUSTER = f"sure-{os.getpid()}"
"""Its lock is this machine's: runs of this file at the same time need one each."""
ENTRY = """
    - file:
        path: "FOLDER/{{ inventory_hostname }}.NAME"
        content: "{{ certificate(host).NAME }}"
        owner: "OWNER"
        group: "GROUP"
        mode: "400"
"""
HOSTS = {
    "vars": {
        "cluster": CLUSTER,
        "ansible_connection": "local",
        "ansible_become": False,
    },
    "children": {"head": {"hosts": {"a": {"address": "10.0.0.1"}}}},
    "hosts": {"b": {"address": "10.0.0.2"}},
}


class Controller:
    """A machine that deploys from a folder of its own to the same two hosts."""

    def __init__(self, tmp_path: Path, name: str) -> None:
        self.folder = tmp_path / name
        self.folder.mkdir()
        self.hosts = tmp_path / "hosts"
        self.hosts.mkdir(exist_ok=True)
        parts = ("authority", "certificate", "key")
        text = "- play: tls\n  hosts: all\n  steps:\n"
        text += "".join(ENTRY.replace("NAME", part) for part in parts)
        text = text.replace("FOLDER", str(self.hosts))
        text = text.replace("OWNER", str(os.geteuid()))
        (self.folder / "book.yml").write_text(text.replace("GROUP", str(os.getegid())))
        (self.folder / "inv.yml").write_text(json.dumps({"all": HOSTS}))

    def plan(self) -> Run:
        return api.plan(self.folder / "inv.yml", load(self.folder / "book.yml"))

    def apply(self) -> Run:
        return api.apply(self.folder / "inv.yml", load(self.folder / "book.yml"))

    @property
    def kept(self) -> Path:
        return self.folder / f".provision/{CLUSTER}/tls"


def test_each_host_gets_its_own_and_the_next_deploy_changes_nothing(
    tmp_path: Path,
) -> None:
    mine = Controller(tmp_path, "mine")
    assert (mine.plan().planned, mine.kept.exists()) == (6, False)
    assert mine.apply().changed == 6
    read = {file.name: file.read_text() for file in mine.hosts.iterdir()}
    assert read["a.authority"] == read["b.authority"]
    assert read["a.certificate"] != read["b.certificate"]
    assert "PRIVATE" in read["a.key"]
    run = mine.apply()
    assert (run.changed, run.warnings) == (0, [])


def test_one_that_is_about_to_end_is_a_change_to_every_plan(tmp_path: Path) -> None:
    mine = Controller(tmp_path, "mine")
    mine.apply()
    old = datetime.now(UTC) - timedelta(days=340)
    authority = mine.kept / "authority.pem"
    pair = signing.issue_authority(CLUSTER, old)
    authority.write_text(pair.key_pem() + pair.pem())
    for name, address in (("a", "10.0.0.1"), ("b", "10.0.0.2")):
        made = signing.issue(Host(name=name, vars={"address": address}), pair, old)
        (mine.kept / f"host-{name}.pem").write_text(made.key_pem() + made.pem())
        for part, text in (
            ("authority", pair.pem()),
            ("certificate", made.pem()),
            ("key", made.key_pem()),
        ):
            file = mine.hosts / f"{name}.{part}"
            file.chmod(0o600)
            file.write_text(text)
            file.chmod(0o400)

    seen = mine.plan()
    assert seen.planned == 4, "certificate and key of both hosts"
    assert len(seen.warnings) == 2 and "the next deploy makes" in seen.warnings[0]
    done = mine.apply()
    assert (done.changed, len(done.warnings)) == (4, 2)
    assert (mine.apply().changed, mine.plan().planned) == (0, 0)


def test_a_second_machine_does_not_make_its_own(tmp_path: Path) -> None:
    mine, other = Controller(tmp_path, "mine"), Controller(tmp_path, "other")
    mine.apply()
    with pytest.raises(SecretError, match=r"come from another machine.* copy that"):
        other.apply()
    assert not other.kept.exists()
    assert "come from another machine" in other.plan().warnings[0]
    other.kept.parent.mkdir(parents=True)
    mine.kept.rename(other.kept)
    assert other.apply().changed == 0


def test_a_line_of_a_key_is_masked_wherever_it_turns_up(tmp_path: Path) -> None:
    pair = signing.issue_authority(CLUSTER, datetime.now(UTC))
    lines = pair.key_pem().splitlines()[1:-1]
    redact = redactor([*lines, "short-one"])

    def masked(line: str) -> str:
        event = redact(OutputLine(host="a", play="p", step="s", line=line))
        assert isinstance(event, OutputLine)
        return event.line

    for line in (*lines, "short-one"):
        assert masked(f"x {line} y") == f"x {MASK} y"
        assert masked(f"x{line}y") == f"x{MASK}y"


def test_a_run_that_is_refused_the_lock_keeps_no_authority_it_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Controller(tmp_path, "first"), Controller(tmp_path, "second")

    def refused(*_: object, **__: object) -> None:
        assert [*second.kept.iterdir()]
        raise LockHeldError("held")

    with monkeypatch.context() as patched:
        patched.setattr("provision.engine.run.execute", refused)
        with pytest.raises(LockHeldError):
            second.apply()
    assert not [*second.kept.iterdir()]
    first.apply()
    with pytest.raises(SecretError, match="come from another machine"):
        second.apply()
