"""`shell` on a terminal of its own, over a real sshd."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import termios
import time
from pathlib import Path

import pytest
from conftest import Sshd
from support.two_hosts import Hosts, hosts_of

LIMIT_S = 50


@pytest.fixture
def hosts(sshd: Sshd, tmp_path: Path) -> Hosts:
    return hosts_of(tmp_path / "c", sshd.port, sshd.key_file, sshd.public("ed25519"))


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, hosts: Hosts, *words: str) -> None:
        self.process, self.terminal = hosts.on_terminal(*words)
        self.printed = b""

    def type(self, text: bytes) -> None:
        os.write(self.terminal, text)

    def wait_for(self, text: bytes) -> None:
        ends = time.monotonic() + LIMIT_S
        while text not in self.printed:
            assert time.monotonic() < ends, self.printed
            ready, _, _ = select.select([self.terminal], [], [], LIMIT_S)
            assert ready, self.printed
            self.printed += os.read(self.terminal, 4096)

    def end(self) -> int:
        """Read to the end; return the exit code."""
        try:
            while part := os.read(self.terminal, 4096):
                self.printed += part
        except OSError:
            pass  # the end of a terminal
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])


def test_a_shell_on_a_host_has_a_terminal(hosts: Hosts) -> None:
    shell = Terminal(hosts, "shell", "node1", "--", "sh")
    shell.wait_for(b"# " if os.geteuid() == 0 else b"$ ")
    shell.type(b"tty -s && echo is_a'_'terminal\n")
    shell.wait_for(b"is_a_terminal")
    size = struct.pack("HHHH", 33, 77, 0, 0)
    fcntl.ioctl(shell.terminal, termios.TIOCSWINSZ, size)
    os.kill(shell.process, signal.SIGWINCH)
    shell.type(
        b"until [ \"$(stty size)\" = '33 77' ]; do sleep 0.1; done; echo re'sized'\n"
    )
    shell.wait_for(b"resized")
    # Ctrl-C goes to what runs there, and ends nothing here.
    shell.type(b"echo be'gun'; sleep 600; echo la'te'\n")
    shell.wait_for(b"begun")
    shell.type(b"\x03")
    shell.type(b"echo go'es'_on\n")
    shell.wait_for(b"goes_on")
    shell.type(b"exit 42\n")
    assert shell.end() == 42
    assert b"late" not in shell.printed.replace(b"la'te'", b"")


def test_a_connection_that_is_lost_ends_a_shell_with_4(
    hosts: Hosts, sshd: Sshd
) -> None:
    shell = Terminal(
        hosts, "shell", "node1", "--", "sh", "-c", "echo be'gun'; sleep 600"
    )
    shell.wait_for(b"begun")
    for session in sshd.sessions():
        os.kill(session, signal.SIGKILL)
    assert shell.end() == 4
    assert b"was lost" in shell.printed
    assert b"Traceback" not in shell.printed
