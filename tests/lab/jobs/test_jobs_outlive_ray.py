"""Jobs that outlive their Ray, and a follow over a restart of it: real containers, a real Ray."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.lab.commands import INVENTORY, ROOT, argv, invoke, invoke_with_report
from support.lab.host_state import HOSTS, root_shell

from provision import lab

pytestmark = pytest.mark.lab
ON_LAB = ("--inventory", INVENTORY)
NO_METRICS = ("--set", "metrics=false")
RECORDS = "/var/lib/provision-lab/job_records"
LOOK = "systemctl start provision-jobs-lab.service"
COUNTING = """
import time
for number in range(10_000):
    print("line", number, flush=True)
    time.sleep(0.2)
"""
LARGE = """
import os, time
block = ("x" * 1023 + "\\n") * 1024
for _ in range(50):
    print(block, end="")
print("the end", flush=True)
time.sleep(8)
"""


@pytest.fixture(scope="module")
def cluster(running_lab: list[lab.VirtualHost]) -> None:
    """The lab, deployed."""
    invoke("deploy", *ON_LAB, *NO_METRICS).expect_exit(0)


def jobs(*words: str) -> dict[str, dict[str, Any]]:
    done = invoke("jobs", *ON_LAB, "--json", *words).expect_exit(0)
    shown = done.output[done.output.index("[") :]
    return {job["id"]: job for job in json.loads(shown)}


def submit(folder: Path, program: str) -> str:
    (folder / "job.py").write_text(program)
    line = ("run", str(folder / "job.py"), *ON_LAB, "--detach")
    return invoke(*line).expect_exit(0).output.strip().splitlines()[-1]


def eventually(check: Callable[[], bool], limit_s: float = 120) -> None:
    until = time.monotonic() + limit_s
    while not check():
        assert time.monotonic() < until, "it did not come to be"
        time.sleep(1)


def test_a_deploy_that_changes_nothing_is_one_round_trip_with_the_timer(
    cluster: None, tmp_path: Path
) -> None:
    line = ("deploy", *ON_LAB, *NO_METRICS)
    done, found = invoke_with_report(*line, report=tmp_path / "report.json")
    done.expect_exit(0)
    trips = {host: found["hosts"][host]["round_trips"] for host in HOSTS}
    assert set(trips.values()) == {1}, trips
    assert (
        root_shell("node1", "systemctl is-active provision-jobs-lab.timer").strip()
        == "active"
    )
    assert root_shell("node1", f"stat -c %a {RECORDS}").strip() == "700"


@pytest.mark.long
def test_jobs_outlive_a_ray_without_tables(cluster: None, tmp_path: Path) -> None:
    job = submit(tmp_path, "print('of the first Ray', flush=True)")
    eventually(lambda: jobs()[job]["status"] == "SUCCEEDED")
    root_shell("node1", LOOK)
    root_shell("node1", "docker stop ray-lab")
    stopped = invoke("jobs", *ON_LAB, "--all").expect_exit(0).output
    assert "these are the records of node1" in stopped and job in stopped
    # As a deploy of another version does: Ray begins with no tables, and no session.
    data = "/var/lib/provision-lab"
    root_shell(
        "node1", f"rm -rf {data}/gcs/* {data}/ray/session_*; docker start ray-lab"
    )
    invoke("deploy", *ON_LAB, *NO_METRICS).expect_exit(0)
    assert job not in jobs()
    past = jobs("--all")[job]
    assert (past["status"], past["driver_exit"]) == ("SUCCEEDED", 0)
    assert past["recorded_s"] > past["ended_s"] > past["started_s"] > 0
    shown = invoke("job.logs", job, *ON_LAB).expect_exit(0).output
    assert "of the first Ray" in shown


@pytest.mark.long
def test_a_follow_goes_on_over_a_restart_of_the_head(
    cluster: None, tmp_path: Path
) -> None:
    job = submit(tmp_path, COUNTING)
    with subprocess.Popen(
        argv("job.logs", job, *ON_LAB, "--follow"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as child:
        assert child.stdout
        lines = []
        for line in child.stdout:
            lines.append(line)
            if line == "line 20\n":
                root_shell("node1", "docker restart ray-lab")
        code = child.wait(60)
    said = [line for line in lines if not line.startswith("line ")]
    assert code == 1, said
    assert sum("is followed when it answers" in line for line in said) == 1, said
    assert f"job {job} " in said[-1], said
    numbers = [line for line in lines if line.startswith("line ")]
    assert numbers == [f"line {n}\n" for n in range(len(numbers))]


@pytest.mark.long
def test_a_log_of_50_mb_costs_its_size_once(cluster: None, tmp_path: Path) -> None:
    job = submit(tmp_path, LARGE)
    before = _received()
    done = invoke("job.logs", job, *ON_LAB, "--follow").expect_exit(0)
    assert done.output.endswith("the end\n")
    received = _received() - before
    size = 50 * 2**20
    assert size < received < 1.2 * size, received / size


def _received() -> int:
    """Bytes that the head has sent to this machine and to all others."""
    return int(root_shell("node1", "cat /sys/class/net/eth0/statistics/tx_bytes"))


@pytest.mark.long
def test_an_image_without_serve_is_said(cluster: None, tmp_path: Path) -> None:
    (tmp_path / "c.yml").write_text("applications: [{import_path: a:b}]\n")
    for words in (("serve.deploy", str(tmp_path / "c.yml")), ("serve.status",)):
        done = invoke(*words, *ON_LAB).expect_exit(2)
        assert "Ray Serve is not in the image of the cluster" in done.output


@pytest.mark.long
def test_a_switch_stops_the_timer_and_a_teardown_takes_the_records(
    cluster: None,
) -> None:
    invoke("deploy", *ON_LAB, *NO_METRICS, "--set", "ray_job_records=0").expect_exit(0)
    units = "ls /etc/systemd/system | grep provision-jobs || true"
    assert root_shell("node1", units) == ""
    invoke("deploy", *ON_LAB, *NO_METRICS).expect_exit(0)
    planned = invoke("teardown", *ON_LAB, "--dry").expect_exit(3).output
    assert "provision-jobs-lab.timer" in planned and RECORDS in planned
    invoke("teardown", *ON_LAB, "--yes").expect_exit(0)
    assert root_shell("node1", f"{units}; ls -d {RECORDS} || true") == ""
