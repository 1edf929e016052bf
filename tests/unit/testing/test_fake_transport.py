"""The fake host runs what a real one would, counts it, and fails where it is asked to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from provision.errors import ConnectError, ConnectionLost
from provision.model.framing import Task, run_tasks
from provision.model.script import Script
from provision.model.shell import Reply, Sh
from provision.testing import FakeTransport

PAIR = 'printf "%s and %s\\n" "$one" "$two"'


def opened(transport: FakeTransport) -> FakeTransport:
    transport.open()
    return transport


def ask(transport: FakeTransport, *fragments: Sh, limit_s: float = 0) -> list[Reply]:
    return run_tasks(transport.run, [Task(sh) for sh in fragments], limit_s=limit_s)


def test_fragments_run_in_a_shell_and_cost_one_round_trip() -> None:
    host = opened(FakeTransport())
    replies = ask(host, Sh.of(PAIR, one="a'b", two="c"), Sh.of("echo no >&2; exit 3"))
    assert replies == [Reply("a'b and c\n"), Reply("", "no\n", exit=3)]
    assert host.round_trips == 1


def test_scripts_are_at_home_in_the_root_and_find_its_programs(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "uname"
    program.write_text("#!/bin/sh\necho stand-in\n")
    program.chmod(0o755)
    host = opened(FakeTransport(tmp_path))
    [reply] = ask(host, Sh.of('echo "$HOME $(pwd) $TMPDIR $(uname)"'))
    assert reply.stdout == f"{tmp_path} {tmp_path} {tmp_path} stand-in\n"


def test_a_stand_in_is_not_used_to_run_the_script_itself(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("timeout", "sh"):
        (tmp_path / "bin" / name).write_text("#!/bin/sh\necho stand-in\n")
        (tmp_path / "bin" / name).chmod(0o755)
    [reply] = ask(opened(FakeTransport(tmp_path)), Sh.of("echo mine; timeout 1 true"))
    assert reply.stdout == "mine\nstand-in\n"


def test_a_script_is_ended_at_its_limit() -> None:
    [reply] = ask(opened(FakeTransport()), Sh.of("sleep 60"), limit_s=0.2)
    assert reply.timed_out


def test_a_table_answers_by_the_text_of_a_fragment() -> None:
    host = opened(FakeTransport(answers={PAIR: Reply("x=1\n"), "": Reply(exit=9)}))
    replies = ask(host, Sh.of("\n" + PAIR, one="1", two="\n2"), Sh.of("rm -rf /x"))
    assert replies == [Reply("x=1\n"), Reply(exit=9)]


def test_a_fragment_that_the_table_has_not_is_an_error_with_its_text() -> None:
    host = opened(FakeTransport(answers={PAIR: Reply()}))
    with pytest.raises(AssertionError, match="rm -rf /x"):
        ask(host, Sh.of("rm -rf /x"))


def test_a_function_answers_with_what_the_parameters_are() -> None:
    host = opened(FakeTransport(answers=lambda fragment: Reply(fragment + "\n")))
    [reply] = ask(host, Sh.of("probe", name="x"))
    assert reply.stdout == "name='x'\nset --\nprobe\n"


@pytest.mark.parametrize("ran", [False, True])
def test_a_connection_is_lost_before_or_after_the_script_ran(
    tmp_path: Path, ran: bool
) -> None:
    host = opened(FakeTransport(tmp_path))
    host.fail(ConnectionLost("cut"), at=2, ran=ran)
    ask(host, Sh.of("touch one"))
    with pytest.raises(ConnectionLost, match="cut"):
        ask(host, Sh.of("touch two"))
    ask(host, Sh.of("touch three"))
    assert (tmp_path / "two").exists() is ran
    assert (tmp_path / "three").exists()
    assert host.round_trips == 3


def test_without_a_number_every_round_trip_fails() -> None:
    host = opened(FakeTransport())
    host.fail(ConnectionLost("cut"))
    for _ in range(2):
        with pytest.raises(ConnectionLost):
            ask(host, Sh.of("true"))


def test_connecting_fails_once_for_each_error() -> None:
    host = FakeTransport()
    host.refuse(ConnectError("refused"), ConnectError("reset"))
    for message in ("refused", "reset"):
        with pytest.raises(ConnectError, match=message):
            host.open()
    host.open()
    assert host.opened == 3


def test_a_closed_connection_runs_nothing(tmp_path: Path) -> None:
    host = opened(FakeTransport(tmp_path))
    host.close()
    with pytest.raises(ConnectionLost):
        host.run(Script("touch x"))
    assert list(tmp_path.iterdir()) == []


def test_the_kit_needs_no_test_framework() -> None:
    code = "import sys, provision.testing; sys.exit('pytest' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
