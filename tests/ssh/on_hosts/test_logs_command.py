"""`logs` over a real sshd, with the files that Ray writes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Sshd
from support.two_hosts import Hosts, hosts_of


@pytest.fixture
def data() -> Iterator[Path]:
    """Ray's folder; the paths of its sockets must be short."""
    with tempfile.TemporaryDirectory(prefix="p-") as folder:
        yield Path(folder)


@pytest.fixture
def hosts(sshd: Sshd, tmp_path: Path, data: Path) -> Hosts:
    key = sshd.public("ed25519")
    return hosts_of(tmp_path / "c", sshd.port, sshd.key_file, key, data=data)


def new_session(data: Path, name: str) -> Path:
    """Begin a session as Ray does, with a link to the latest; return its folder of logs."""
    folder = data / "ray" / name / "logs"
    folder.mkdir(parents=True)
    latest = data / "ray/session_latest"
    latest.unlink(missing_ok=True)
    latest.symlink_to(folder.parent)
    return folder


def test_the_last_lines_of_each_file_have_its_name_and_the_hosts(
    hosts: Hosts, data: Path
) -> None:
    logs = new_session(data, "session_1")
    (logs / "gcs_server.out").write_text("".join(f"line {n}\n" for n in range(9)))
    (logs / "raylet.err").write_text("trouble\n")
    (logs / "worker-1.out").write_text("of a worker\n")
    code, shown = hosts("logs", "--of", "gcs", "--limit", "node2", "--lines", "2")
    assert code == 0, shown
    assert sorted(shown.splitlines()) == [
        "node2 | gcs_server.out: line 7",
        "node2 | gcs_server.out: line 8",
        "node2 | raylet.err: trouble",
    ]


def test_json_is_a_line_for_each_line(hosts: Hosts, data: Path) -> None:
    logs = new_session(data, "session_1")
    (logs / "worker-1.out").write_text("x\n")
    done = hosts.run("logs", "--of", "worker", "--json", "--limit", "node1")
    assert json.loads(done.stdout) == {
        "host": "node1",
        "of": "worker",
        "line": "worker-1.out: x",
    }


def test_since_leaves_out_what_is_older(hosts: Hosts, data: Path) -> None:
    logs = new_session(data, "session_1")
    now = datetime.now(UTC)
    old, new = (
        f"[{now - timedelta(minutes=m):%Y-%m-%d %H:%M:%S},123 I" for m in (9, 1)
    )
    lines = [f"{old} old", "goes with it", f"{new} new", "goes with that"]
    (logs / "raylet.out").write_text("\n".join(lines) + "\n")
    shown = hosts("logs", "--of", "gcs", "--since", "5m", "--limit", "node1")[1]
    assert [line.rsplit(" ", 1)[1] for line in shown.splitlines()] == ["new", "that"]


def test_ray_that_never_ran_is_one_line(hosts: Hosts) -> None:
    code, shown = hosts("logs", "--of", "gcs", "--limit", "node1")
    assert (code, shown) == (
        2,
        "error: node1: Ray has no logs on this host: not deployed, or never started\n",
    )


@contextlib.contextmanager
def ended(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill *child* if the test fails, which would wait for it for ever."""
    try:
        yield
    except BaseException:
        child.kill()
        raise


def test_a_follow_outlives_a_restart_of_ray_and_a_lost_connection(
    hosts: Hosts, data: Path, sshd: Sshd
) -> None:
    first = new_session(data, "session_1")
    (first / "raylet.out").write_text("in the first\n")
    words = ("logs", "--of", "gcs", "--follow", "--limit", "node1")
    with hosts.start(*words) as child, ended(child):
        assert child.stdout
        assert child.stdout.readline() == b"node1 | raylet.out: in the first\n"
        second = new_session(data, "session_2")
        (second / "raylet.out").write_text("in the second\n")
        assert child.stdout.readline() == b"node1 | raylet.out: in the second\n"
        for session in sshd.sessions():
            os.kill(session, signal.SIGKILL)
        third = new_session(data, "session_3")
        # What was written while nobody listened is not told twice, so it may be left out.
        line, number = b"", 0
        with (third / "raylet.out").open("a", buffering=1) as file:
            os.set_blocking(child.stdout.fileno(), False)
            for number in range(600):
                file.write(f"number {number}\n")
                line = child.stdout.readline()
                if line:
                    break
                time.sleep(0.1)
        assert b"raylet.out: number" in line, number
        os.set_blocking(child.stdout.fileno(), True)
        os.kill(child.pid, signal.SIGINT)
        rest = child.stdout.read()
        assert child.wait(60) == 130
        assert b"Traceback" not in rest
