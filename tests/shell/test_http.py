"""HTTP requests for real, in each shell; bash makes them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from shells import EACH_SHELL, run
from web import PAGE, greeting

from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.steps import http as module
from provision.steps.http import HttpReply, parse_http

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="bash is missing")
Shell = tuple[str, ...]
HTTP = read_shell(module.__file__, "http.sh")
ASK = HTTP + '\nhttp 3 "$@"'
ASK_WITH_TOKEN = HTTP + '\nhttp 3 "$@" <<END\n$token\nEND'


def ask(shell: Shell, what: str, port: int, path: str = "") -> str:
    """Return the output of `http`, which must not fail."""
    reply = run(shell, Sh(ASK, (what, "127.0.0.1", str(port), path)), strict=True)
    assert reply.exit == 0
    return reply.stdout


@EACH_SHELL
def test_a_port_is_open(shell: Shell, port: int) -> None:
    assert ask(shell, "open", port) == "open\n"


@EACH_SHELL
def test_the_code_of_a_page_is_known(shell: Shell, port: int) -> None:
    assert ask(shell, "code", port, PAGE) == "200\n"
    assert ask(shell, "code", port, "/other") == "503\n"


@EACH_SHELL
def test_the_whole_answer_is_known(shell: Shell, port: int) -> None:
    body = f"127.0.0.1:{port}\n\nno token\n"
    reply = parse_http(ask(shell, "reply", port, PAGE))
    assert reply == HttpReply("HTTP/1.0 200 OK", 200, body)


@EACH_SHELL
@pytest.mark.parametrize("token", ["0123abcd", "it's $(id) \\r\\n %s"])
def test_a_token_is_sent_as_it_is(shell: Shell, port: int, token: str) -> None:
    words = ("reply", "127.0.0.1", str(port), "/")
    reply = run(shell, Sh(ASK_WITH_TOKEN, words, {"token": token}))
    assert parse_http(reply.stdout).body.endswith(f"\nBearer {token}\n")


@EACH_SHELL
def test_an_empty_token_is_none(shell: Shell, port: int) -> None:
    words = ("reply", "127.0.0.1", str(port), "/")
    reply = run(shell, Sh(ASK_WITH_TOKEN, words, {"token": ""}))
    assert parse_http(reply.stdout).body.endswith("\nno token\n")


@EACH_SHELL
def test_a_token_is_on_no_command_line(shell: Shell, tmp_path: Path) -> None:
    log = tmp_path / "log"
    for tool in ("timeout", "bash"):
        (tmp_path / tool).write_text('#!/bin/sh\nprintf "%s\\n" "$@" >>"$LOG"\n')
        (tmp_path / tool).chmod(0o755)
    words = ("reply", "127.0.0.1", "1", "/")
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "LOG": str(log)}
    run(shell, Sh(ASK_WITH_TOKEN, words, {"token": "0123abcd"}), env=env)
    if "busybox" not in shell[0]:  # it has a timeout of its own, which starts bash
        assert "/dev/tcp" in log.read_text()
    assert "0123abcd" not in log.read_text()


@EACH_SHELL
@pytest.mark.parametrize("what", ["open", "code", "reply"])
def test_nothing_is_printed_where_nothing_answers(
    shell: Shell, what: str, closed_port: int
) -> None:
    assert ask(shell, what, closed_port, "/") == ""


@EACH_SHELL
@pytest.mark.parametrize("words", [b"SSH-2.0-Test\r\n", b""])
def test_what_is_no_web_server_is_known(shell: Shell, words: bytes) -> None:
    with greeting(words) as port:
        assert ask(shell, "code", port, "/") == "no answer\n"
