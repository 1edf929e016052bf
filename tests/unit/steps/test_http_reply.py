"""An answer of HTTP is read in one place."""

from __future__ import annotations

import pytest

from provision.steps.http import HttpReply, parse_http


def test_an_answer_has_a_code_and_a_body() -> None:
    output = "HTTP/1.1 200 OK\r\nDate: x\r\n\r\none\n\ntwo\r\n"
    assert parse_http(output) == HttpReply("HTTP/1.1 200 OK", 200, "one\n\ntwo\n")


@pytest.mark.parametrize("status", ["HTTP/1.0 401", "HTTP/1.0 401 ", "HTTP/2 401 No"])
def test_the_reason_may_be_left_out(status: str) -> None:
    assert parse_http(f"{status}\r\n\r\n").code == 401


def test_nothing_is_no_answer() -> None:
    assert parse_http("") == HttpReply("", 0, "")


@pytest.mark.parametrize("status", ["SSH-2.0-x 200 ", "HTTP/1.0 2000", "HTTP/1.0 OK"])
def test_what_is_no_http_has_no_code(status: str) -> None:
    assert parse_http(f"{status}\r\n") == HttpReply(status, 0, "")
