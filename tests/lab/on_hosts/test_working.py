"""Commands on hosts and jobs, on a deployed lab: real containers, a real Ray."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from support.lab.commands import INVENTORY, ROOT, argv, invoke
from support.lab.host_state import HOSTS, root_shell

from provision import lab

pytestmark = [pytest.mark.lab, pytest.mark.long]
ON_LAB = ("--inventory", INVENTORY)


@pytest.fixture(scope="module")
def cluster(running_lab: list[lab.VirtualHost]) -> None:
    """The lab, deployed."""
    invoke("deploy", *ON_LAB, "--set", "metrics=false").expect_exit(0)


def test_exec_in_rays_containers(cluster: None) -> None:
    line = ("exec", *ON_LAB, "--container", "--", "sh", "-c", "echo $RAY_AUTH_MODE")
    shown = invoke(*line).expect_exit(0).output
    assert shown == "node1, node2 and node3 (3)\n  token\n"


def test_rays_own_program(cluster: None) -> None:
    assert "Active:" in invoke("ray", *ON_LAB, "--", "status").expect_exit(0).output
    invoke("ray", *ON_LAB, "--", "no-such-command").expect_exit(2)


@pytest.mark.parametrize("container", [False, True])
def test_a_copy_to_all_hosts_and_back(
    cluster: None, tmp_path: Path, container: bool
) -> None:
    file = tmp_path / "f"
    file.write_bytes(os.urandom(5 * 2**20))
    inside = ("--container",) if container else ()
    invoke("cp", str(file), "all:/tmp/f", *inside, *ON_LAB).expect_exit(0)
    prefix = "docker exec ray-lab " if container else ""
    wanted = subprocess.check_output(["sha256sum", file]).split()[0].decode()
    for host in HOSTS:
        assert wanted in root_shell(host, f"{prefix}sha256sum /tmp/f")
        assert "provision-cp" not in root_shell(host, "ls /var/tmp")
    back = tmp_path / "back"
    invoke("cp", "workers:/tmp/f", str(back), *inside, *ON_LAB).expect_exit(0)
    for host in HOSTS[1:]:
        assert (back / host / "f").read_bytes() == file.read_bytes()


@pytest.mark.parametrize("of", ["ray", "gcs", "docker", "system"])
def test_logs_of_all_hosts(cluster: None, of: str) -> None:
    line = ("logs", *ON_LAB, "--of", of, "--lines", "3")
    shown = invoke(*line).expect_exit(0).output
    for host in HOSTS:
        assert re.search(rf"^{host} +\| \S", shown, re.MULTILINE), shown


def test_a_container_that_is_not_there_is_one_line(cluster: None) -> None:
    root_shell("node3", "docker rename ray-lab away")
    try:
        words = ("exec", *ON_LAB, "--limit", "node3", "--container", "--", "true")
        done = invoke(*words).expect_exit(2)
        assert "there is no container ray-lab on this host: not deployed" in done.output
        assert "Traceback" not in done.output
    finally:
        root_shell("node3", "docker rename away ray-lab")


JOB = """
import os, sys, ray
ray.init()
import beside
print("args", sys.argv[1:], os.environ["COLOR"], beside.NAME, flush=True)
sys.exit(int(sys.argv[1]))
"""


@pytest.mark.parametrize("code", [0, 7])
def test_a_job_ends_with_its_exit_code(
    cluster: None, tmp_path: Path, code: int
) -> None:
    (tmp_path / "job.py").write_text(JOB)
    (tmp_path / "beside.py").write_text("NAME = 'module'\n")
    line = ("run", str(tmp_path / "job.py"), *ON_LAB, "--env", "COLOR=a b")
    done = invoke(*line, "--", str(code), "x y").expect_exit(code)
    assert f"args ['{code}', 'x y'] a b module" in done.output
    jobs = json.loads(invoke("jobs", *ON_LAB, "--json").expect_exit(0).output)
    assert jobs[-1]["status"] == ("FAILED" if code else "SUCCEEDED")
    shown = invoke("job.logs", jobs[-1]["id"], *ON_LAB).expect_exit(0).output
    assert "module" in shown


def test_ctrl_c_leaves_a_job_that_can_be_stopped(cluster: None, tmp_path: Path) -> None:
    (tmp_path / "job.py").write_text(
        "import time\nprint('begun', flush=True)\ntime.sleep(600)\n"
    )
    child = subprocess.Popen(
        argv("run", str(tmp_path / "job.py"), *ON_LAB),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    lines = []
    with child:
        assert child.stdout
        for line in child.stdout:
            lines.append(line)
            if "begun" in line:
                os.kill(child.pid, signal.SIGINT)
        assert child.wait(60) == 130
    shown = "".join(lines)
    found = re.search(r"job (\S+) goes on", shown)
    assert found, shown
    assert "is stopped" in invoke("job.stop", found[1], *ON_LAB).expect_exit(0).output
    followed = invoke("job.logs", found[1], *ON_LAB, "--follow")
    assert (followed.code, "STOPPED" in followed.output) == (1, True)


def test_a_job_that_is_not_there_is_one_line(cluster: None) -> None:
    done = invoke("job.logs", "raysubmit_nothing", *ON_LAB).expect_exit(5)
    assert done.output.startswith("error: Ray has no jobs/raysubmit_nothing")
    assert done.output.count("\n") == 1
