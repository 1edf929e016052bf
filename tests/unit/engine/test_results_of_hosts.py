"""Results of one piece of work on many hosts: exit codes, and equal outputs together."""

from __future__ import annotations

import pytest

from provision.engine.each_host import Results
from provision.engine.on_hosts.command import Command, Output, exit_code, groups
from provision.errors import ConnectError, HostError, OptionError


@pytest.mark.parametrize(
    ("codes", "wanted"),
    [((0, 0), 0), ((0, 7), 7), ((7, 7), 7), ((7, 8), 2), ((255,), 255)],
)
def test_the_exit_code_is_the_one_that_is_not_0(
    codes: tuple[int, ...], wanted: int
) -> None:
    values = {f"node{n}": Output(code) for n, code in enumerate(codes)}
    assert exit_code(Results(values, {})) == wanted


def test_a_host_that_was_not_reached_counts_more_than_a_command_that_failed() -> None:
    values = {"node1": Output(7)}
    failed, unreached = HostError("no container"), ConnectError("no answer")
    assert exit_code(Results(values, {"node2": failed})) == 2
    both = {"node2": failed, "node3": unreached}
    assert exit_code(Results(values, both)) == 4
    assert exit_code(Results(values, both, ("node4",))) == 130


def test_hosts_are_together_only_if_all_is_equal() -> None:
    one = Output(0, b"x")
    values = {
        "a": one,
        "b": Output(0, b"", b"x"),
        "c": Output(0, b"x"),
        "d": Output(1, b"x"),
        "e": Output(0, b"x", b"", 1),
    }
    assert [*groups(values).values()] == [["a", "c"], ["b"], ["d"], ["e"]]


@pytest.mark.parametrize("data", [b"\0", b"\xff", b"a\0b"])
def test_binary_output_is_not_text(data: bytes) -> None:
    assert Output(0, b"text \xc3\xa4\n").is_text
    assert not Output(0, data).is_text
    assert not Output(0, b"text", data).is_text


@pytest.mark.parametrize("words", [(), ("a\0b",), ("echo", "\0")])
def test_a_command_that_cannot_be_sent_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(OptionError):
        Command(words)
