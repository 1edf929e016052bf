"""A transfer between two programs, in both languages, and what stops one."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from shells import BARE, EACH_SHELL, run, run_bare

from provision.model.shell import Reply, Sh
from provision.ray.doctor.bandwidth.bandwidth import transferred
from provision.ray.doctor.bandwidth.programs import PERL_SENDER, PYTHON_SENDER
from provision.ray.doctor.bandwidth.steps import SEND, Receive
from provision.ray.doctor.pairs.steps import StopListening

Shell = tuple[str, ...]
LANGUAGES = ("perl", "python3")
PYTHON = Path(sys.executable).resolve()
"""The program itself: one on PATH may be a script that needs a shell."""


def send(port: int, limit_bytes: int = 50_000_000, address: str = "127.0.0.1") -> Sh:
    """Return a transfer that is smaller than a real one."""
    return Sh.of(
        SEND,
        perl_program=PERL_SENDER,
        python_program=PYTHON_SENDER,
        address=address,
        port=port,
        limit_s=5,
        limit_bytes=limit_bytes,
    )


def free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def tools_with(folder: Path, *more: str) -> Path:
    """Return a folder with the tools of a bare host, and *more*."""
    folder.mkdir()
    for name in (*BARE, *more):
        if found := PYTHON if name == "python3" else shutil.which(name):
            (folder / name).symlink_to(found)
    return folder


@contextlib.contextmanager
def receiving(tools: Path, *ports: int) -> Iterator[dict[str, str]]:
    step = Receive(ports=ports, limit_s=60)
    found = dict(step.observe(run_bare(("/bin/sh",), step.probe(), tools)))
    try:
        yield found
    finally:
        run(("/bin/sh",), StopListening(pids=(found.get("pid", ""),)).probe())


@pytest.mark.parametrize(
    ("sender", "receiver"), list(itertools.product(LANGUAGES, LANGUAGES))
)
def test_all_that_was_sent_arrives(tmp_path: Path, sender: str, receiver: str) -> None:
    ours, theirs = (
        tools_with(tmp_path / "a", sender),
        tools_with(tmp_path / "b", receiver),
    )
    with receiving(theirs, free()) as found:
        for _ in range(2):
            reply = run_bare(("/bin/sh",), send(int(found["port"])), ours)
            told = dict(line.split("=", 1) for line in reply.stdout.splitlines())
            assert 50_000_000 <= int(told["bytes"]) <= 51_048_576, reply
            assert transferred("a", "b", "x", told).gbit_s
    assert _ends(int(found["port"]))


BASE = """#!/bin/sh
[ "$1" = -e ] || exec {perl} "$@"
program=$2
shift 2
exec {perl} -e 'BEGIN {{ @INC = grep m{{/perl-base$}}, @INC }}'"$program" "$@"
"""
"""A perl that has the modules of Debian's perl-base, and no others."""


def test_perl_base_is_enough(tmp_path: Path) -> None:
    if not list(Path("/usr/lib").glob("*/perl-base")):
        pytest.skip("this perl has no perl-base: it is not Debian's")
    tools = tools_with(tmp_path / "a")
    (tools / "perl").write_text(BASE.format(perl=shutil.which("perl")))
    (tools / "perl").chmod(0o755)
    with receiving(tools, free()) as found:
        reply = run_bare(("/bin/sh",), send(int(found["port"])), tools)
    assert reply.stdout.startswith("bytes="), reply


def _ends(port: int) -> bool:
    """Wait for a receiver that was told to end, for 30 s at most."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as gone:
            if gone.connect_ex(("127.0.0.1", port)) != 0:
                return True
    return False


@EACH_SHELL
def test_every_shell_can_send_and_receive(shell: Shell, tmp_path: Path) -> None:
    with receiving(tools_with(tmp_path / "a", "perl"), free()) as found:
        reply = run(shell, send(int(found["port"]), 1_000_000))
    assert "bytes=" in reply.stdout, reply


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_port_that_is_free_is_taken(tmp_path: Path, language: str) -> None:
    tools = tools_with(tmp_path / "a", language)
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.socket() as other:
        # Without SO_REUSEADDR of both, no address has the port beside these.
        other.bind(("0.0.0.0", 0))
        other.listen(1)
        ports = (taken.getsockname()[1], other.getsockname()[1])
        third = free()
        with receiving(tools, *ports, third) as found:
            assert found["port"] == str(third)
        with receiving(tools, *ports) as found:
            assert "port" not in found and "pid" not in found


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_stops_a_transfer_is_told(tmp_path: Path, language: str) -> None:
    tools = tools_with(tmp_path / "a", language)

    def why(sh: Sh) -> str:
        reply = run_bare(("/bin/sh",), sh, tools)
        assert reply.stdout.startswith("why="), reply
        return reply.stdout.removeprefix("why=").strip()

    assert why(send(free())) == "Connection refused"
    assert "has no address here" in why(send(1, address="no-such-host.invalid"))
    with _liar(b"7\n") as port:
        assert why(send(port, 1_000_000)) == "not all bytes arrived"
    with _liar(b"") as port:
        assert why(send(port, 1_000_000)) == "not all bytes arrived"


@contextlib.contextmanager
def _liar(answer: bytes) -> Iterator[int]:
    """A server that reads everything and answers what is not so."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        guest, _ = server.accept()
        with guest:
            while guest.recv(1 << 20):
                pass
            guest.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    yield server.getsockname()[1]
    thread.join(30)
    server.close()


def test_without_perl_and_python_it_says_so(tmp_path: Path) -> None:
    tools = tools_with(tmp_path / "a")
    reply = run_bare(("/bin/sh",), send(1), tools)
    assert reply.stdout == "why=neither perl nor python3 is there, to send with\n"
    with receiving(tools, free()) as found:
        assert found == {"tool": "none"}


@pytest.mark.parametrize(
    "reply",
    [
        Reply(""),
        Reply("bytes=5\n"),
        Reply("bytes=5\nmicroseconds=0\n"),
        Reply("bytes=x\nmicroseconds=1\n"),
    ],
)
def test_an_answer_without_numbers_is_unknown_and_not_0(reply: Reply) -> None:
    state = dict(line.split("=", 1) for line in reply.stdout.splitlines())
    one = transferred("a", "b", "x", state)
    assert (one.gbit_s, one.why) == (None, "a did not tell what came of it")
