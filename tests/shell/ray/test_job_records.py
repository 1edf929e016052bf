"""The program that records Ray's jobs, with lists that a web server gives and logs in files."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from shells import EACH_SHELL
from web import Handler, serving

from provision.ray.steps.job_records import RayJobRecords

Shell = tuple[str, ...]
TOKEN = "the token"


def job(name: str, start: int, status: str = "RUNNING") -> dict[str, Any]:
    return {
        "job_id": "01000000",
        "submission_id": name,
        "start_time": start,
        "status": status,
    }


class Ray:
    """A Ray of which a test says what it knows, and its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.jobs: list[dict[str, Any]] = []
        self.code, self.cut = 200, 0
        self.port = 0
        (folder / "job_records").mkdir()
        (folder / "auth_token").write_text(TOKEN)

    def begin(self, session: str) -> Path:
        """Begin a session; return its folder of logs."""
        logs = self.folder / "ray" / session / "logs"
        logs.mkdir(parents=True)
        latest = self.folder / "ray/session_latest"
        latest.unlink(missing_ok=True)
        latest.symlink_to(logs.parent)
        return logs

    def look(self, shell: Shell, **limits: int) -> subprocess.CompletedProcess[str]:
        step = RayJobRecords(
            cluster="lab",
            data_dir=str(self.folder),
            dashboard_host="127.0.0.1",
            dashboard_port=self.port,
            **limits,
        )
        return subprocess.run(
            [*shell], input=step.program(), capture_output=True, text=True, check=False
        )

    def lists(self) -> dict[str, list[dict[str, Any]]]:
        found = (self.folder / "job_records/lists").iterdir()
        return {path.name: json.loads(path.read_text()) for path in found}

    def logs(self) -> dict[str, str]:
        found = (self.folder / "job_records/logs").iterdir()
        return {path.name: path.read_text() for path in found}


@pytest.fixture
def ray(tmp_path: Path) -> Iterator[Ray]:
    made = Ray(tmp_path)

    class Dashboard(Handler):
        def get(self) -> None:
            right = self.headers.get("Authorization") == f"Bearer {TOKEN}"
            body = json.dumps(made.jobs).encode()
            self.answer(made.code if right else 401, body[: len(body) - made.cut])

    with serving(Dashboard) as made.port:
        yield made


@EACH_SHELL
def test_list_and_output_outlive_a_ray_that_forgets(ray: Ray, shell: Shell) -> None:
    logs = ray.begin("session_1")
    ray.jobs = [job("a", 1)]
    (logs / "job-driver-a.log").write_text("one\n")
    (logs / "raylet.out").write_text("no job\n")
    assert ray.look(shell).returncode == 0
    with (logs / "job-driver-a.log").open("a") as file:
        file.write("two\n")
    assert ray.look(shell).returncode == 0
    assert ray.logs() == {"a": "one\ntwo\n"}
    ray.begin("session_2")
    ray.jobs = [job("b", 2)]
    assert ray.look(shell).returncode == 0
    assert ray.lists() == {"session_1": [job("a", 1)], "session_2": [job("b", 2)]}
    assert ray.logs() == {"a": "one\ntwo\n"}
    modes = {
        (ray.folder / "job_records" / n).stat().st_mode & 0o77
        for n in ("lists", "logs")
    }
    assert modes == {0}


@EACH_SHELL
def test_the_list_of_a_ray_that_kept_its_tables_replaces_the_older(
    ray: Ray, shell: Shell
) -> None:
    ray.begin("session_1")
    ray.jobs = [job("a", 1)]
    ray.look(shell)
    ray.begin("session_2")
    ray.jobs = [job("a", 1, "FAILED"), job("b", 2)]
    ray.look(shell)
    assert ray.lists() == {"session_2": ray.jobs}


def test_equal_numbers_of_another_ray_are_other_jobs(ray: Ray) -> None:
    ray.begin("session_1")
    ray.jobs = [job("", 1)]
    ray.look(("dash",))
    ray.begin("session_2")
    ray.jobs = [job("", 2)]
    ray.look(("dash",))
    assert {*ray.lists()} == {"session_1", "session_2"}


@pytest.mark.parametrize("trouble", ["cut", "refused", "empty", "silent"])
@EACH_SHELL
def test_an_answer_that_is_no_list_replaces_nothing(
    ray: Ray, shell: Shell, trouble: str
) -> None:
    ray.begin("session_1")
    ray.jobs = [job("a", 1)]
    ray.look(shell)
    if trouble == "cut":
        ray.cut = 3
    elif trouble == "refused":
        (ray.folder / "auth_token").write_text("another")
    elif trouble == "empty":
        ray.jobs = []
    else:
        ray.port = 1
    done = ray.look(shell)
    assert ray.lists() == {"session_1": [job("a", 1)]}
    said = {"cut": "is cut, or too long", "refused": "Ray answers 401"}.get(trouble, "")
    assert (done.returncode, said in done.stderr) == (int(bool(said)), True), done


@EACH_SHELL
def test_limits_keep_the_newest_and_the_end(ray: Ray, shell: Shell) -> None:
    logs = ray.begin("session_1")
    for number in range(6):
        path = logs / f"job-driver-job{number}.log"
        path.write_text(f"{number}" * 2**20 + "end")
        os.utime(path, (10**9 + number, 10**9 + number))
    (logs / "job-driver-large.log").write_bytes(b"x" * (3 * 2**20) + b"end")
    for _ in range(2):
        assert ray.look(shell, jobs=3, log_mb=1).returncode == 0
        kept = ray.logs()
        assert {*kept} == {"job4", "job5", "large"}
        assert kept["large"].startswith(
            "... 2097155 bytes before this are not kept\nxx"
        )
        assert kept["large"].endswith("xend")
    ray.look(shell, jobs=3, log_mb=1, total_mb=2)
    assert {*ray.logs()} == {"large"}


@EACH_SHELL
def test_links_and_odd_names_of_the_container_are_left_alone(
    ray: Ray, shell: Shell, tmp_path: Path
) -> None:
    logs = ray.begin("session_1")
    (tmp_path / "secret").write_text("of root")
    (logs / "job-driver-link.log").symlink_to(tmp_path / "secret")
    os.mkfifo(logs / "job-driver-pipe.log")
    (logs / "job-driver-$(touch x) y.log").write_text("odd")
    (logs / "job-driver-two\nlines.log").write_text("odd")
    (logs / "job-driver-.stamp.log").write_text("odd")
    (logs / "job-driver-good.log").write_text("good")
    assert ray.look(shell).returncode == 0
    assert ray.logs() == {"good": "good"}


@EACH_SHELL
def test_a_session_that_is_a_link_to_elsewhere_is_not_entered(
    ray: Ray, shell: Shell, tmp_path: Path
) -> None:
    ray.begin("session_1")
    (tmp_path / "elsewhere/session_9/logs").mkdir(parents=True)
    (tmp_path / "elsewhere/session_9/logs/job-driver-a.log").write_text("not Ray's")
    latest = ray.folder / "ray/session_latest"
    latest.unlink()
    latest.symlink_to(tmp_path / "elsewhere/session_9")
    ray.jobs = [job("a", 1)]
    assert ray.look(shell).returncode == 0
    assert (ray.lists(), ray.logs()) == ({}, {})
