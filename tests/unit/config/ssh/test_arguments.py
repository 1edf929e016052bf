"""Arguments of ssh become lines of ssh_config, or are refused, all at once."""

from __future__ import annotations

import pytest

from provision.config.ssh import arguments
from provision.config.ssh.arguments import HONOURED, NO_EFFECT
from provision.config.ssh.lines import parse


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ()),
        ("-J gate", ("ProxyJump gate",)),
        ("-Jops@gate:23,b", ("ProxyJump ops@gate:23,b",)),
        ("-o ProxyJump=gate", ("ProxyJump=gate",)),
        ("-oPort=23 -o 'User ops'", ("Port=23", "User ops")),
        (
            "-o ProxyCommand='ssh -W %h:%p -q gate'",
            ("ProxyCommand=ssh -W %h:%p -q gate",),
        ),
        ("-i '~/my keys/id' -p 23 -l ops", ('"~/my keys/id"', '"23"', '"ops"')),
        ("-4", ("AddressFamily inet",)),
        ("-qTCp23", ('Port "23"',)),
        ("-C -o ControlMaster=auto", ("ControlMaster=auto",)),
        ("-o StrictHostKeyChecking=yes", ()),
        ("-S none -E /tmp/log", ('ControlPath "none"',)),
    ],
)
def test_arguments_are_lines_of_ssh_config(text: str, lines: tuple[str, ...]) -> None:
    found = arguments(text)
    assert found.problems == ()
    assert len(found.lines) == len(lines)
    assert all(line.endswith(end) for line, end in zip(found.lines, lines, strict=True))


def test_a_file_is_kept_apart() -> None:
    assert arguments("-F /etc/own -p 23").file == "/etc/own"
    assert arguments("-F none").file == "none"


@pytest.mark.parametrize(
    "value", ["no", "accept-new", "off", "NO", "false", "maybe", ""]
)
@pytest.mark.parametrize(
    "form", ["-o StrictHostKeyChecking={}", "-oStrictHostKeyChecking={}"]
)
def test_host_keys_cannot_be_left_unchecked(value: str, form: str) -> None:
    ((problem, hint),) = arguments(form.format(value)).problems
    assert problem == "host keys are always checked"
    assert "`trust`" in hint
    assert "ssh/config" not in hint


def test_all_that_cannot_be_honoured_is_named_at_once() -> None:
    text = (
        "-W a:1 -o LocalForward=1 -L 1:a:2 stray -o Foo=1 -o StrictHostKeyChecking=no"
    )
    problems = " ".join(problem for problem, _ in arguments(text).problems)
    for word in ("'-W'", "localforward", "'-L'", "'stray'", "foo", "always checked"):
        assert word in problems


@pytest.mark.parametrize("text", ["-o", "-p", "-J", "'", '-o "User', "-i", "-o ''"])
def test_an_argument_without_its_value_is_refused(text: str) -> None:
    assert arguments(text).problems


@pytest.mark.parametrize("value", ['a"b', "a\\b", "a b", "'", "#x", "a\\ b"])
def test_any_path_survives_as_one_word(value: str) -> None:
    from shlex import quote

    (line,) = arguments(f"-i {quote(value)}").lines
    found = parse(line)
    assert found and found.words == [value]


def test_an_option_is_honoured_or_has_no_effect_never_both() -> None:
    assert not HONOURED & NO_EFFECT
