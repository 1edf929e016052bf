"""A new content must be accepted before it replaces the old one."""

from __future__ import annotations

from pathlib import Path

from shells import EACH_SHELL, me, run

from provision.model.change import Change
from provision.steps.files.file import File

Shell = tuple[str, ...]
NEW = (Change("content", None, "x"),)


def file(path: Path, content: str, *check: str) -> File:
    return File(path=str(path), content=content, check=check, **me())


@EACH_SHELL
def test_what_is_accepted_is_put_in_place(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "it's new"
    done = run(shell, file(path, "good\n", "grep", "-q", "good").apply(NEW))
    assert (done.exit, path.read_text()) == (0, "good\n")


@EACH_SHELL
def test_what_is_refused_leaves_the_old_one(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("good\n")
    step = file(path, "bad\n", "sh", "-c", 'cat "$1"; grep -q good "$1"', "-")
    done = run(shell, step.apply(NEW))
    assert done.exit != 0
    assert path.read_text() == "good\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["config"]
    assert "bad" in done.stderr
    assert f"sh refuses it: {path} stays as it was" in done.stderr
    assert "correct the content" in step.advice(done.stderr)


@EACH_SHELL
def test_a_check_that_is_missing_refuses(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "config"
    done = run(shell, file(path, "x", "/no/such/promtool", "check").apply(NEW))
    assert done.exit != 0
    assert not path.exists()
