"""Commands that need Ray, on a head that a person has stopped, over a real sshd."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Sshd
from support.two_hosts import Done, Hosts, hosts_of

WORDS = "since 2026-11-27 19:00 UTC by anna@laptop"
SAID = f"node1: Ray is stopped on purpose {WORDS}"
START = "`invoke start` starts what was stopped"
AT = ("--set", "ray_dashboard_host=127.0.0.1", "--set", "ray_ports={dashboard: 1}")


@pytest.fixture
def marked(sshd: Sshd, tmp_path: Path) -> Iterator[tuple[Path, Hosts]]:
    """A head with the mark of a process that was stopped; Ray does not answer."""
    key = sshd.public("ed25519")
    with tempfile.TemporaryDirectory(prefix="p-") as folder:
        data = Path(folder)
        (data / "process").mkdir()
        (data / "process/spec").write_text("ray_version=2.60.0\n")
        own = f"process provision-no-such.service {data}/process"
        (data / "stopped").write_text(f"{WORDS}\n{own}\n")
        yield data, hosts_of(tmp_path / "c", sshd.port, sshd.key_file, key, data=data)


@pytest.fixture
def stopped(marked: tuple[Path, Hosts]) -> Hosts:
    return marked[1]


def said(done: Done) -> str:
    text = (done.stdout + done.stderr).decode()
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize(
    "words",
    [
        ("jobs",),
        ("job.stop", "raysubmit_1"),
        ("serve.status",),
        ("smoke",),
        ("dashboard",),
    ],
    ids=lambda words: words[0],
)
def test_they_say_so_with_what_to_type(stopped: Hosts, words: tuple[str, ...]) -> None:
    done = stopped.run(*words, *AT)
    assert done.returncode == 2, said(done)
    assert SAID in said(done)
    assert START in said(done)


def test_run_says_so_before_a_job_is_made(stopped: Hosts, tmp_path: Path) -> None:
    script = tmp_path / "job/one.py"
    script.parent.mkdir()
    script.write_text("print(1)\n")
    done = stopped.run("run", str(script), *AT)
    assert done.returncode == 2, said(done)
    assert SAID in said(done)


def test_records_of_jobs_are_shown_with_the_reason(stopped: Hosts) -> None:
    done = stopped.run("jobs", "--all", *AT)
    assert done.returncode == 0, said(done)
    assert f"{SAID}: these are the records of node1" in said(done)


def test_one_that_only_does_not_answer_is_no_stopped_one(
    marked: tuple[Path, Hosts],
) -> None:
    data, hosts = marked
    (data / "process/spec").unlink()
    done = hosts.run("jobs", *AT)
    assert done.returncode == 4
    assert "Ray's dashboard does not answer" in said(done)
