"""`jobs --all` and `job.logs` over a real sshd, with files as Ray and its records write them."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from conftest import Sshd
from support.two_hosts import Done, Hosts, hosts_of

SCHEMA = Path(__file__).parents[3] / "docs/schemas/jobs.json"


def job(name: str, status: str, start: int = 1000) -> dict[str, Any]:
    return {
        "submission_id": name,
        "job_id": None,
        "status": status,
        "entrypoint": f"python {name}.py",
        "start_time": start,
        "end_time": start + 2000 if status == "SUCCEEDED" else None,
        "driver_exit_code": 0 if status == "SUCCEEDED" else None,
    }


class Cluster:
    """A head with Ray's folder, and what answers at the port of the dashboard.

    Attributes:
        jobs: those that Ray knows; a callable is asked at each request.
        asked: the paths of all requests.
    """

    def __init__(self, hosts: Hosts, data: Path) -> None:
        self.hosts, self.data = hosts, data
        self.jobs: dict[str, Any] = {}
        self.asked: list[str] = []
        self.port = 1

    def __call__(self, command: str, *words: str) -> Done:
        at = ("--set", "ray_dashboard_host=127.0.0.1")
        port = ("--set", f"ray_ports={{dashboard: {self.port}}}")
        return self.hosts.run(command, *words, *at, *port)

    def log(self, name: str, session: str = "session_1") -> Path:
        folder = self.data / "ray" / session / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"job-driver-{name}.log"

    def begin(self, session: str) -> None:
        """Make *session* the latest."""
        (self.data / "ray/session_latest").symlink_to(session)

    def record(self, session: str, *jobs: dict[str, Any]) -> None:
        folder = self.data / "job_records/lists"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / session).write_text(json.dumps(jobs))

    def answer(self, path: str) -> tuple[int, Any]:
        self.asked.append(path)
        if path == "/api/jobs/":
            return 200, [*self.jobs.values()]
        found = self.jobs.get(path.removeprefix("/api/jobs/"))
        found = found() if callable(found) else found
        return (found, "") if isinstance(found, int) else (200 if found else 404, found)


@pytest.fixture
def silent(sshd: Sshd, tmp_path: Path) -> Iterator[Cluster]:
    """A cluster whose Ray does not answer; the paths of Ray's sockets must be short."""
    key = sshd.public("ed25519")
    with tempfile.TemporaryDirectory(prefix="p-") as folder:
        data = Path(folder)
        hosts = hosts_of(tmp_path / "c", sshd.port, sshd.key_file, key, data=data)
        yield Cluster(hosts, data)


@contextmanager
def answering(cluster: Cluster) -> Iterator[None]:
    class Dashboard(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code, body = cluster.answer(self.path)
            self.send_response_only(code)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Dashboard) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        cluster.port = server.server_port
        yield
        server.shutdown()


@pytest.fixture
def cluster(silent: Cluster) -> Iterator[Cluster]:
    """The same, whose Ray answers."""
    with answering(silent):
        yield silent


def listed(done: Done) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr.decode()
    found: list[dict[str, Any]] = json.loads(done.stdout)
    fields = json.loads(SCHEMA.read_text())["items"]
    for one in found:
        assert {*one} == {*fields["required"]} == {*fields["properties"]}
    return found


def test_a_stopped_ray_is_said_and_its_jobs_are_shown(silent: Cluster) -> None:
    silent.record("session_1", job("a", "SUCCEEDED"), job("b", "RUNNING", 5000))
    done = silent("jobs", "--all", "--json")
    a, b = listed(done)
    assert (a["id"], a["status"], a["ended_s"], a["driver_exit"]) == (
        "a",
        "SUCCEEDED",
        3,
        0,
    )
    assert (b["id"], b["status"], b["ended_s"]) == ("b", "UNKNOWN", 0)
    assert b["message"] == "RUNNING when Ray was last asked"
    assert abs(time.time() - b["recorded_s"]) < 600
    said = done.stderr.decode()
    assert said.count("\n") == 1
    assert said.startswith(
        "node1: Ray's dashboard does not answer: these are the records"
    )
    shown = silent("jobs", "--all").stdout.decode()
    assert "python b.py" in shown
    assert "unknown" in next(line for line in shown.splitlines() if "b.py" in line)
    assert silent("jobs").returncode == 4


def test_what_ray_says_now_comes_before_a_record(cluster: Cluster) -> None:
    cluster.record("session_1", job("a", "RUNNING"), job("old", "SUCCEEDED", 500))
    cluster.jobs = {"a": job("a", "SUCCEEDED"), "b": job("b", "RUNNING", 2000)}
    found = listed(cluster("jobs", "--all", "--json"))
    assert [one["id"] for one in found] == ["old", "a", "b"]
    assert [one["status"] for one in found] == ["SUCCEEDED", "SUCCEEDED", "RUNNING"]
    assert [bool(one["recorded_s"]) for one in found] == [True, False, False]
    assert [one["id"] for one in listed(cluster("jobs", "--json"))] == ["a", "b"]


def test_a_head_without_records_has_none(silent: Cluster) -> None:
    assert listed(silent("jobs", "--all", "--json")) == []


def test_a_record_that_cannot_be_read_is_one_line(silent: Cluster) -> None:
    silent.record("session_1")
    (silent.data / "job_records/lists/session_1").write_text('[{"submission')
    done = silent("jobs", "--all")
    said = done.stderr.decode()
    assert done.returncode == 2
    assert "the records of jobs cannot be read" in said
    assert "Traceback" not in said


def test_output_of_a_forgotten_job_comes_from_the_record(silent: Cluster) -> None:
    silent.record("session_1", job("a", "SUCCEEDED"))
    folder = silent.data / "job_records/logs"
    folder.mkdir()
    (folder / "a").write_text("from the record\n")
    done = silent("job.logs", "a")
    assert (done.returncode, done.stdout) == (0, b"from the record\n"), done.stderr
    (folder / "a").unlink()
    done = silent("job.logs", "a")
    assert (done.returncode, done.stdout) == (0, b"")
    assert b"job a: none of its output is kept" in done.stderr


def test_a_job_that_nobody_knows_is_one_line(cluster: Cluster) -> None:
    done = cluster("job.logs", "a")
    assert (done.returncode, done.stderr.count(b"\n")) == (5, 1)
    assert done.stderr.startswith(b"error: Ray has no jobs/a")


def test_a_follow_fetches_each_byte_once(cluster: Cluster) -> None:
    log, looks = cluster.log("a"), iter(range(100))
    cluster.begin("session_1")
    first = "é" * 2**20
    # A character that is cut where the first look ends.
    log.write_bytes(first.encode() + "é".encode()[:1])

    def state() -> dict[str, Any]:
        if next(looks) < 3:
            return job("a", "RUNNING")
        log.write_bytes(first.encode() + "é and the end\n".encode())
        return job("a", "SUCCEEDED")

    cluster.jobs = {"a": state}
    done = cluster("job.logs", "a", "--follow")
    assert done.returncode == 0
    assert done.stdout.decode() == f"{first}é and the end\n"
    assert {*cluster.asked} == {"/api/jobs/a"}, "Ray was asked for the whole log"


@pytest.mark.parametrize(
    ("afterwards", "ended"),
    [
        (job("a", "FAILED"), "job a FAILED"),
        (None, "job a UNKNOWN: a new Ray, which does not know it"),
    ],
)
def test_a_follow_goes_on_over_a_restart_of_ray(
    cluster: Cluster, afterwards: dict[str, Any] | None, ended: str
) -> None:
    cluster.log("a").write_text("before\n")
    cluster.begin("session_1")
    answers = iter([job("a", "RUNNING"), 503, 503, afterwards or 404])
    cluster.jobs = {"a": lambda: next(answers)}
    done = cluster("job.logs", "a", "--follow")
    said = done.stderr.decode().splitlines()
    assert (done.returncode, done.stdout) == (1, b"before\n"), said
    assert len(said) == 2, said
    assert "Ray refuses it" in said[0] and "is followed when it answers" in said[0]
    assert said[1].startswith(ended)


def test_ray_is_asked_to_look_after_a_job_of_an_earlier_session(
    cluster: Cluster,
) -> None:
    cluster.log("a").write_text("before\n")
    cluster.log("b", "session_2").touch()
    cluster.begin("session_2")

    def state() -> dict[str, Any]:
        asked = "/api/jobs/a/logs" in cluster.asked
        return job("a", "FAILED" if asked else "RUNNING")

    cluster.jobs = {"a": state}
    done = cluster("job.logs", "a", "--follow")
    assert (done.returncode, done.stdout) == (1, b"before\n")
