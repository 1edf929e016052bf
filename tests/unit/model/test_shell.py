"""Fragments carry values as data; a batch of them is divided again without loss."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.model import framing
from provision.model.framing import (
    LINE_BYTES,
    Frames,
    Task,
    encode,
    new_mark,
    replies,
    run_tasks,
)
from provision.model.script import Script
from provision.model.shell import Reply, Sh

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
SHOW = 'printf "%s" "$value"; printf "%s" "$1" >&2'


def run(tasks: list[Task], *, chunk: int = 7, cut: int | None = None) -> list[Reply]:
    mark = new_mark()
    script = encode(tasks, mark).encode()[:cut]
    done = subprocess.run(["sh", "-s"], input=script, capture_output=True, check=False)
    stdout, stderr = Frames(mark), Frames(mark)
    for frames, data in ((stdout, done.stdout), (stderr, done.stderr)):
        for start in range(0, len(data), chunk):
            frames.feed(data[start : start + chunk])
    return replies(stdout, stderr, len(tasks), done.returncode)


@settings(max_examples=60, deadline=None)
@given(TEXT, TEXT)
def test_any_text_arrives_as_it_is(value: str, word: str) -> None:
    [reply] = run([Task(Sh.of(SHOW, word, value=value))])
    assert (reply.stdout, reply.stderr) == (value, word)


def test_a_value_is_never_run() -> None:
    evil = "'; echo gone; $(echo gone) `echo gone` \\"
    [reply] = run([Task(Sh.of('printf %s "$value"', value=evil))])
    assert reply.stdout == evil


def test_a_leading_dash_stays_a_value() -> None:
    [reply] = run([Task(Sh.of('printf "%s " "$@"', "-n", "--", "-e"))])
    assert reply.stdout == "-n -- -e "


def test_booleans_become_words() -> None:
    assert Sh.of("", yes=True, no=False).params == {"yes": "true", "no": "false"}


@pytest.mark.parametrize("name", ["PATH", "a-b", "1st", ""])
def test_a_parameter_needs_a_shell_name(name: str) -> None:
    with pytest.raises(ValueError, match="shell name"):
        Sh.of("", **{name: "x"})


def test_a_nul_character_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        Sh.of("", value="a\0b")


def test_parameters_stay_out_of_the_repr() -> None:
    assert "hunter2" not in repr(Sh.of("", token="hunter2"))


def test_each_fragment_has_its_own_reply() -> None:
    texts = ["echo one", "echo two >&2; exit 3", "printf 'no line end'"]
    first, second, third = run([Task(Sh(text)) for text in texts])
    assert first == Reply("one\n", "", 0)
    assert second == Reply("", "two\n", 3)
    assert third == Reply("no line end", "", 0)


def test_a_fragment_cannot_read_the_rest_of_the_script() -> None:
    eaten, kept = run([Task(Sh("cat")), Task(Sh("echo here"))])
    assert (eaten.stdout, kept.stdout) == ("", "here\n")


def test_variables_do_not_leak_into_the_next_fragment() -> None:
    _, after = run([Task(Sh.of("", value="x")), Task(Sh('echo "${value-unset}"'))])
    assert after.stdout == "unset\n"


def test_a_change_stops_at_its_first_failure_and_a_look_does_not() -> None:
    change, look = run(
        [Task(Sh("false; echo on"), strict=True), Task(Sh("false; echo on"))]
    )
    assert (change.stdout, change.exit) == ("", 1)
    assert (look.stdout, look.exit) == ("on\n", 0)


@pytest.mark.parametrize("kept", [10, 60, 200, -3])
def test_a_script_that_was_cut_off_runs_nothing(kept: int, tmp_path: Path) -> None:
    target = f"{tmp_path}/made"
    run([Task(Sh.of(': >"$target"; ' * 40, target=target))], cut=kept)
    assert not Path(target).exists()


def test_a_fragment_that_ended_the_shell_is_told_from_one_that_never_began() -> None:
    changes = [Task(Sh(text), strict=True) for text in ("echo a", "kill -9 $$")]
    ended, cut, never = run([*changes, Task(Sh(""))])
    assert ended.ended and ended.stdout == "a\n"
    assert not cut.ended and cut.exit is not None
    assert not never.ended and never.exit is None


def test_a_met_limit_is_told_from_a_fragment_with_the_same_exit_code() -> None:
    assert Reply(exit=124, ended=False).timed_out
    assert not Reply(exit=124).timed_out


def test_a_flood_keeps_its_end_and_bounds_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(framing, "KEEP_BYTES", 1000)
    frames = Frames("@mark")
    for number in range(5000):
        frames.feed(b"line %d\n" % number)
    frames.feed(b"x" * 5000)
    frames.feed(b"\n@mark 0\n")
    [(text, _)] = frames.done
    assert len(text) <= 2000
    assert text.rstrip().endswith("line 4999\n" + "x" * 1000)


def test_a_line_without_end_is_kept_whole_and_its_begin_passed_on_once() -> None:
    passed: list[tuple[int, str]] = []
    frames = Frames("@mark", lambda *line: passed.append(line))
    for _ in range(10):
        frames.feed(b"x" * 50_000)
    frames.feed(b"@mark 7\nnext\n\n@mark 0\n")
    [(text, code)] = frames.done
    assert (text, code) == ("x" * 500_000 + "@mark 7\nnext\n", 0)
    assert [(len(line), line[:1]) for _, line in passed] == [
        (LINE_BYTES, "x"),
        (4, "n"),
    ]
    assert frames.unfinished() == ""


def test_the_tail_prefers_standard_error() -> None:
    assert Reply("out\n", "a\nb\nc\n").tail(2) == ("b", "c")
    assert Reply("out\n", " \n").tail() == ("out",)


def test_the_tails_are_those_of_both_streams() -> None:
    assert Reply("a\nb\nc\n", "d\ne\nf\n").tails(2) == ("b", "c", "e", "f")
    assert Reply("", "d\n").tails() == ("d",)
    assert Reply("a\n", " \n").tails() == ("a",)


LOOKS = [Task(Sh(f"echo {n}; echo e{n} >&2")) for n in range(40)]


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox sh"])
def test_many_looks_come_in_few_pieces(shell: str) -> None:
    argv = shell.split()
    if not shutil.which(argv[0]):
        pytest.skip(f"{argv[0]} is not installed")
    read, write = os.pipe()
    child = subprocess.Popen([*argv, "-s"], stdin=subprocess.PIPE, stdout=write)
    os.close(write)
    child.communicate(encode(LOOKS, "@mark").encode())
    pieces = []
    with os.fdopen(read, "rb", buffering=0) as pipe:
        while piece := pipe.read(65536):
            pieces.append(piece)
    assert len(pieces) == 1
    frames = Frames("@mark")
    frames.feed(pieces[0])
    assert [text for text, _ in frames.done] == [f"{n}\n" for n in range(40)]


def test_what_looks_printed_before_the_time_limit_is_not_lost() -> None:
    looks = [Task(Sh("echo first")), Task(Sh("echo second; sleep 60"))]
    argv = ["timeout", "-k", "5", "0.5", "sh", "-s"]

    def run_here(script: Script) -> int:
        done = subprocess.run(
            argv, input=script.encoded, capture_output=True, check=False
        )
        script.stdout(done.stdout)
        script.stderr(done.stderr)
        return done.returncode

    first, second = run_tasks(run_here, looks)
    assert (first.stdout, first.exit) == ("first\n", 0)
    assert (second.stdout, second.ended, second.timed_out) == ("second\n", False, True)


@pytest.mark.parametrize("strict", [True, False])
def test_only_a_script_that_changes_something_needs_a_heartbeat(strict: bool) -> None:
    seen: list[Script] = []

    def run_nothing(script: Script) -> int:
        seen.append(script)
        return 0

    run_tasks(run_nothing, [Task(Sh("true"), strict), Task(Sh("true"))])
    assert [script.heartbeat for script in seen] == [strict]
