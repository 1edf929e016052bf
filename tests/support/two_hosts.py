"""Hosts that are all one sshd on loopback, for commands as a person types them."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import pwd
import subprocess
import sys
import unittest.mock
from dataclasses import dataclass
from pathlib import Path

from provision.cli import main

MAIN = "import sys; from provision.cli import main; sys.argv[0] = 'invoke'; main()"
INVENTORY = """
all:
  vars:
    cluster: c
    ansible_host: 127.0.0.1
    ansible_become: false
    ansible_user: {user}
    ansible_ssh_private_key_file: {key}
    host_key: {host_key}
    ansible_port: {port}
    data_dir: {data}
  children:
    head: {{hosts: {{node1: {{address: 10.0.0.1}}}}}}
    workers:
      hosts:
        node2: {{address: 10.0.0.2}}
        node3: {{address: 10.0.0.3{third}}}
"""


@dataclass(frozen=True)
class Done:
    """Exit code and output of a command."""

    returncode: int
    stdout: bytes
    stderr: bytes


def _content(stream: io.TextIOWrapper) -> bytes:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue()


@dataclass(frozen=True)
class Hosts:
    """A folder with an inventory of three hosts."""

    folder: Path

    def argv(self, *words: str) -> list[str]:
        command, *rest = words
        options = ["--inventory", str(self.folder / "lab.yml")]
        cut = rest.index("--") if "--" in rest else len(rest)
        return [
            *(sys.executable, "-c", MAIN, command),
            *(*rest[:cut], *options, *rest[cut:]),
        ]

    def run(self, *words: str) -> Done:
        """Run a command in this process, with no terminal: a start takes seconds."""
        argv = ["invoke", *self.argv(*words)[3:]]
        streams = [io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2)]
        code = 0
        with (
            unittest.mock.patch.object(sys, "argv", argv),
            unittest.mock.patch.object(sys, "stdin", io.StringIO()),
            contextlib.redirect_stdout(streams[0]),
            contextlib.redirect_stderr(streams[1]),
            contextlib.chdir(self.folder),
        ):
            try:
                main()
            except SystemExit as ended:
                code = int(ended.code or 0)
        out, err = (_content(stream) for stream in streams)
        return Done(code, out, err)

    def __call__(self, *words: str) -> tuple[int, str]:
        """Run a command; return its exit code, and all that it printed."""
        done = self.run(*words)
        return done.returncode, (done.stdout + done.stderr).decode()

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a command in a session of its own, so that a signal reaches it alone."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            self.argv(*words),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def on_terminal(self, *words: str) -> tuple[int, int]:
        """Start a command on a terminal of its own; return its process and the terminal."""
        process, terminal = pty.fork()
        if process == 0:
            os.chdir(self.folder)
            argv = self.argv(*words)
            os.execv(argv[0], argv)
        return process, terminal


def hosts_of(
    folder: Path,
    port: int,
    key: Path,
    host_key: str,
    *,
    third: str = "",
    data: Path | None = None,
) -> Hosts:
    """Write the inventory of three hosts into *folder*.

    Args:
        folder: made if it is not there.
        port: of the sshd.
        key: logs in there.
        host_key: the sshd's.
        third: variables of the third host, such as `ansible_port: 1`.
        data: Ray's folder, whose path must be short.
    """
    text = INVENTORY.format(
        user=pwd.getpwuid(os.geteuid()).pw_name,
        key=key,
        host_key=f'"{host_key}"',
        port=port,
        data=data or folder / "data",
        third=f", {third}" if third else "",
    )
    folder.mkdir(exist_ok=True)
    (folder / "lab.yml").write_text(text)
    return Hosts(folder)
