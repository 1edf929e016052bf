"""Endpoints for real, in each shell; bash opens the connection."""

from __future__ import annotations

import shutil

import pytest
from shells import EACH_SHELL, run
from web import PAGE, greeting

from provision.model.change import State
from provision.steps.system.reachable import Reachable

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="bash is missing")
Shell = tuple[str, ...]


def observed(shell: Shell, port: int, path: str = "") -> State:
    step = Reachable(host="127.0.0.1", port=port, path=path)
    return step.observe(run(shell, step.probe()))


@EACH_SHELL
def test_a_port_that_answers_is_open(shell: Shell, port: int) -> None:
    assert observed(shell, port) == {"tcp": "open"}


@EACH_SHELL
def test_the_code_of_a_page_is_observed(shell: Shell, port: int) -> None:
    assert observed(shell, port, PAGE) == {"http": "200"}
    assert observed(shell, port, "/other") == {"http": "503"}


@EACH_SHELL
def test_a_closed_port_is_absent(shell: Shell, closed_port: int) -> None:
    assert observed(shell, closed_port) == {}
    assert observed(shell, closed_port, "/") == {}


@EACH_SHELL
def test_what_is_no_web_server_is_known(shell: Shell) -> None:
    with greeting(b"SSH-2.0-Test\r\n") as port:
        assert observed(shell, port, "/") == {"http": "no answer"}
