"""Wheels sent over a real sshd: how many round trips they take, and a connection that is lost.

The Python that makes the environment is a stand-in: pip is not what is looked at here.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import HostFor, Sshd, start_sshd
from support.tcp_proxy import Proxy, proxy

import provision
from provision.model.result import Run

WHEELS = 90
LARGE_BYTES = 20 * 2**20
PYTHON = """#!/bin/sh
case $1 in
-c) printf 'python=3.11.2\\nmachine=x86_64\\n' ;;
*)
    mkdir -p "$3/bin"
    : >"$3/pyvenv.cfg"
    printf '#!/bin/sh\\nexit 0\\n' >"$3/bin/python"
    chmod +x "$3/bin/python"
    cp -r {received} {kept} ;;
esac
"""
BOOK = """
- play: environment
  hosts: all
  steps:
    - python_environment:
        folder: {folder}
        version: "1"
        requirements: [large]
        python: {python}
        wheels: {wheels}
        room_mb: 1
"""


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Path]:
    """A playbook of one environment with the number of wheels that Ray has, or more."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for number in range(WHEELS):
        (wheels / f"w{number}-1-py3-none-any.whl").write_bytes(os.urandom(2000))
    (wheels / "large-1-py3-none-any.whl").write_bytes(os.urandom(LARGE_BYTES))
    python, folder = tmp_path / "python3", tmp_path / "env"
    python.write_text(
        PYTHON.format(received=f"{folder}/.wheels-*", kept=tmp_path / "kept")
    )
    python.chmod(0o755)
    made = tmp_path / "site.yml"
    made.write_text(BOOK.format(folder=folder, python=python, wheels=wheels))
    yield made
    for place in ("/run", "/run/lock"):
        for lock in Path(place).glob(f"provision-up{os.getpid()}*"):
            lock.unlink(missing_ok=True)


def apply(book: Path, **variables: Any) -> Run:
    hosts = {"all": {"hosts": {"node1": variables}}}
    inventory = provision.Inventory.parse(hosts, cluster=f"up{os.getpid()}")
    run = provision.apply(inventory, book)
    assert not run.errors, run.errors
    return run


def has_all(folder: Path) -> bool:
    sent = {path.name: path.read_bytes() for path in (folder / "wheels").iterdir()}
    return sent == {
        path.name: path.read_bytes() for path in (folder / "kept").iterdir()
    }


def test_ninety_wheels_go_in_one_round_trip(
    sshd: Sshd, host_for: HostFor, book: Path, tmp_path: Path
) -> None:
    run = apply(book, **host_for(sshd).vars)
    assert has_all(tmp_path)
    # A look, what was there before, the wheels, and the change.
    assert run.hosts["node1"].round_trips == 4
    assert apply(book, **host_for(sshd).vars).hosts["node1"].round_trips == 1


def lose_when_cut(link: Proxy, server: Sshd) -> None:
    """End the sessions of *server* once *link* has cut itself, and mend it."""
    deadline = time.monotonic() + 60
    while link.whole and time.monotonic() < deadline:
        time.sleep(0.01)
    for pid in server.sessions():
        os.kill(pid, signal.SIGKILL)
    link.mend()


def test_a_lost_connection_goes_on_where_it_was(
    host_for: HostFor, book: Path, tmp_path: Path
) -> None:
    server = start_sshd(tmp_path / "sshd")
    with proxy(server.port) as link:
        link.cut_at = LARGE_BYTES // 2
        losing = threading.Thread(target=lose_when_cut, args=(link, server))
        losing.start()
        run = apply(book, **host_for(server, ansible_port=link.port).vars)
        losing.join()
        sent = link.sent
    server.stop()
    assert has_all(tmp_path)
    assert run.hosts["node1"].round_trips > 4
    assert sent < LARGE_BYTES * 1.3, "all was sent twice"
