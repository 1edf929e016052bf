"""A new content must be accepted before it replaces the old one."""

from __future__ import annotations

from pathlib import Path

import pytest
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


NO_PROGRAM = "#!/no/such/interpreter\n"


@EACH_SHELL
@pytest.mark.parametrize(
    ("text", "mode", "code"),
    [(None, 0, 127), (NO_PROGRAM, 0o755, 12), ("exit 0\n", 0o644, 126)],
    ids=["missing", "without its interpreter", "not executable"],
)
def test_a_check_that_cannot_run_does_not_blame_the_content(
    shell: Shell, tmp_path: Path, text: str | None, mode: int, code: int
) -> None:
    path, program = tmp_path / "config", tmp_path / "promtool"
    path.write_text("old\n")
    if text is not None:
        program.write_text(text)
        program.chmod(mode)
    step = file(path, "good\n", str(program), "check")
    done = run(shell, step.apply(NEW))
    assert done.exit not in {0, None}
    assert path.read_text() == "old\n"
    # A missing interpreter is 127 to dash, and 126 to bash.
    assert f"cannot run {program} (exit code {code}" in done.stderr
    assert f"{path} stays as it was" in done.stderr
    assert "refuses" not in done.stderr
    advice = step.advice(done.stderr)
    assert "not judged" in advice
    assert "correct the content" not in advice


@EACH_SHELL
def test_a_check_that_was_killed_does_not_blame_the_content(
    shell: Shell, tmp_path: Path
) -> None:
    path = tmp_path / "config"
    step = file(path, "good\n", "sh", "-c", "kill -KILL $$", "-")
    done = run(shell, step.apply(NEW))
    assert done.exit not in {0, None}
    assert not path.exists()
    assert "sh was killed by signal 9 before it judged the content" in done.stderr
    assert "not judged" in step.advice(done.stderr)


@EACH_SHELL
def test_any_other_exit_code_is_a_refusal(shell: Shell, tmp_path: Path) -> None:
    for code in ("1", "2", "125", "255"):
        step = file(tmp_path / "config", "x", "sh", "-c", f"exit {code}", "-")
        done = run(shell, step.apply(NEW))
        assert done.exit not in {0, None}
        assert "sh refuses it" in done.stderr, code
