"""A host that prints a secret does not make us print it: not on screens, not in files."""

from __future__ import annotations

import os

import pytest
from place import Place

BOOK = """
- play: tells
  hosts: one
  steps:
    - file:
        path: "FOLDER/note"
        content: "{{ secret('ray_token') }}"
        owner: "OWNER"
        group: "GROUP"
        check: COMMAND
"""
PRINTS = '[sh, -c, \'cat -- "$0"; cat -- "$0" >&2; exit CODE\']'


def tell(here: Place, command: str) -> tuple[int, str, str]:
    """A deploy with *command* as a check: exit code, all that was written, the secret."""
    text = BOOK.replace("FOLDER", str(here.folder / "out"))
    text = text.replace("OWNER", str(os.geteuid())).replace("GROUP", str(os.getegid()))
    book = here.folder / "playbooks/tells.yml"
    book.write_text(text.replace("COMMAND", command))
    report = here.folder / "report.json"
    words = ("deploy", "--inventory", "inv.yml", "--playbook", "tells", "-v")
    code, said = here(*words, "--report", str(report))
    [kept] = (here.folder / ".provision").glob("*/ray_token")
    return code, said + report.read_text(), kept.read_text().strip()


@pytest.mark.parametrize("ends", [0, 1])
def test_what_a_host_prints_of_it_is_masked(here: Place, ends: int) -> None:
    code, written, secret = tell(here, PRINTS.replace("CODE", str(ends)))
    assert code == (2 if ends else 0)
    assert "(secret)" in written
    assert secret not in written


def test_an_internal_error_shows_no_secret(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    from provision.steps.files.file import File

    def broken(self: File, changes: object) -> None:
        raise RuntimeError(f"cannot write {self.content} {self!r} {vars(self)}")

    monkeypatch.setattr(File, "apply", broken)
    code, written, secret = tell(here, "[]")
    assert code == 1
    assert "cannot write" in written
    assert secret not in written
