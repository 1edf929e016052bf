"""Rolling change, rollback and prune on a deployed lab; seen by plain Docker and Ray."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.lab.commands import INVENTORY, ROOT, invoke

from provision import lab

HOSTS = ("node1", "node2", "node3")
pytestmark = [pytest.mark.lab, pytest.mark.timeout(1200)]
JOB = """
import os, ray
ray.init(address="auto", log_to_driver=False)

@ray.remote(num_cpus=1, max_retries=5)
def square(number):
    import time
    time.sleep(0.2)
    return number * number

done, running = 0, {}
while running or not os.path.exists("/tmp/stop"):
    while len(running) < 6 and not os.path.exists("/tmp/stop"):
        number = done + len(running)
        running[square.remote(number)] = number
    ready, _ = ray.wait(list(running), timeout=60)
    for one in ready:
        number = running.pop(one)
        assert ray.get(one) == number * number
        done += 1
    open("/tmp/job", "w").write(str(done))
open("/tmp/job", "w").write(f"all right: {done}")
"""
ACTOR = """
import ray, sys
ray.init(address="auto", log_to_driver=False, namespace="rolling")
@ray.remote(num_cpus=0, resources={"node:172.30.77.12": 0.001})
class Counter:
    def __init__(self): self.n = 0
    def add(self): self.n += 1; return self.n
c = Counter.options(name="c", lifetime="detached", get_if_exists=True).remote()
print("counted", ray.get(c.add.remote(), timeout=60))
"""


def root_shell(host: str, script: str) -> str:
    return lab.run(host, "sh", "-c", script).strip()


def python(program: str, *words: str) -> str:
    return lab.run(
        "node1", *("docker", "exec", "ray-lab", "python", "-c"), program, *words
    )


def counted() -> int:
    """Return the count of a detached actor, one more each time; 1 = it is new."""
    found = re.search(r"counted (\d+)", python(ACTOR))
    assert found
    return int(found[1])


def ids() -> dict[str, str]:
    return {host: id_of(host) for host in HOSTS}


def id_of(host: str) -> str:
    return root_shell(host, "docker inspect --format '{{.Id}}' ray-lab")


def command(host: str) -> str:
    return root_shell(host, "docker inspect --format '{{json .Config.Cmd}}' ray-lab")


def inventory(folder: Path, **of_workers: Any) -> Path:
    """The lab's, with variables for the workers; what is remembered lies beside it."""
    data = yaml.safe_load((ROOT / INVENTORY).read_text())
    for name in ("ansible_ssh_private_key_file", "known_hosts"):
        data["all"]["vars"][name] = str(
            ROOT / ".lab" / Path(data["all"]["vars"][name]).name
        )
    data["all"]["children"]["workers"]["vars"] = of_workers
    path = folder / "lab.yml"
    path.write_text(yaml.safe_dump(data))
    return path


@pytest.fixture
def deployed(running_lab: object, tmp_path: Path) -> Iterator[Path]:
    path = inventory(tmp_path)
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)
    yield path
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)


class Job:
    """Many short tasks, from the head's container, until stopped."""

    def __init__(self) -> None:
        in_it = ("docker", "exec", "ray-lab")
        lab.run("node1", *in_it, "rm", "-f", "/tmp/job", "/tmp/stop")
        words = ("--detach", "ray-lab", "python", "-c", JOB)
        lab.run("node1", *in_it[:2], *words)
        self.wait("")

    def printed(self) -> str:
        return root_shell(
            "node1", "docker exec ray-lab cat /tmp/job 2>/dev/null || true"
        )

    def wait(self, begin: str) -> str:
        """Wait for an output that begins with *begin*, and return it."""
        deadline = time.monotonic() + 90
        while not (printed := self.printed()) or not printed.startswith(begin):
            assert time.monotonic() < deadline, f"no good end: {printed!r}"
            time.sleep(1)
        return printed

    def ended_well(self) -> bool:
        before = int(self.printed())
        root_shell("node1", "docker exec ray-lab touch /tmp/stop")
        return int(self.wait("all right: ").split()[-1]) >= before > 0


def roll_workers(folder: Path, mark: int) -> None:
    """Replace the workers, and nothing else."""
    before = ids()
    path = inventory(folder, ray_resources={"mark": mark})
    invoke("deploy", "--inventory", str(path)).expect_exit(0)
    after = ids()
    assert after["node1"] == before["node1"], "the head was touched"
    for host in ("node2", "node3"):
        assert after[host] != before[host]
        kept = root_shell(host, "docker inspect --format '{{.Id}}' ray-lab-previous")
        assert kept == before[host]


def test_workers_roll_under_a_job_and_go_back(deployed: Path) -> None:
    """And the head is not touched by it, and is by a rollback of its own."""
    before, job = ids(), Job()
    roll_workers(deployed.parent, mark=1)
    assert job.ended_well()
    for host in ("node2", "node3"):
        assert "mark" in command(host)
    done = invoke("rollback", "--inventory", str(deployed)).expect_exit(0)
    assert "plan` shows that as a difference" in done.output
    assert ids() == before
    for host in HOSTS:
        assert "mark" not in command(host)
        names = root_shell(host, "docker ps -a --format '{{.Names}}'").split()
        assert host == "node1" or "ray-lab-previous" not in names
    again = invoke("rollback", "--inventory", str(deployed)).expect_exit(0)
    assert "nothing to go back to" in again.output and ids() == before


@pytest.mark.long
def test_a_ten_minute_job_survives_change_after_change(deployed: Path) -> None:
    job, ends, mark = Job(), time.monotonic() + 600, 2
    while time.monotonic() < ends:
        roll_workers(deployed.parent, mark)
        mark += 1
    assert job.ended_well()


@pytest.mark.long
def test_the_head_is_replaced_last_and_a_detached_actor_keeps_its_state(
    deployed: Path,
) -> None:
    before = ids()
    first = counted()
    change = ("--inventory", str(deployed), "--limit", "head")
    invoke("deploy", *change, "--set", "ray_env={PROVISION_TEST: rolling}").expect_exit(
        0
    )
    after = ids()
    assert after["node1"] != before["node1"]
    assert (after["node2"], after["node3"]) == (before["node2"], before["node3"])
    assert counted() == first + 1


@pytest.mark.long
def test_another_ray_is_a_swap_and_so_is_the_way_back(deployed: Path) -> None:
    """The other Ray is the same one under another name: what counts is what is done."""
    for host in HOSTS:
        root_shell(host, "docker tag rayproject/ray:2.60.0 rayproject/ray:2.61.0")
    before = ids()
    counted()
    change = ("--inventory", str(deployed), "--set", "ray_image=rayproject/ray:2.61.0")
    plan = invoke("plan", *change).expect_exit(3)
    assert plan.output.count("Ray 2.60.0 and 2.61.0 cannot mix") == len(HOSTS)
    assert plan.output.count("image: rayproject/ray:2.60.0 ->") == len(HOSTS)
    invoke("deploy", *change).expect_exit(0)
    assert not set(ids().values()) & set(before.values())
    assert counted() == 1, "the tables are not new"
    invoke("rollback", "--inventory", str(deployed)).expect_exit(0)
    assert ids() == before
    for host in HOSTS:
        root_shell(host, "docker image rm rayproject/ray:2.61.0")


@pytest.mark.long
def test_prune_clears_exactly_the_host_that_left(deployed: Path) -> None:
    invoke("deploy", "--inventory", str(deployed)).expect_exit(0)
    before = ids()
    foreign = (
        "docker run -d --name foreign --entrypoint sleep rayproject/ray:2.60.0 600"
    )
    root_shell("node3", foreign)
    data = yaml.safe_load(deployed.read_text())
    del data["all"]["children"]["workers"]["hosts"]["node3"]
    deployed.write_text(yaml.safe_dump(data))
    left = invoke("deploy", "--inventory", str(deployed)).expect_exit(0)
    assert "left the inventory, and untouched: node3" in left.output
    assert ids() == before
    planned = invoke(
        "deploy", "--inventory", str(deployed), "--prune", "--check"
    ).expect_exit(3)
    assert "ray node of lab" in planned.output
    try:
        invoke("deploy", "--inventory", str(deployed), "--prune").expect_exit(0)
        names = root_shell("node3", "docker ps -a --format '{{.Names}}'").split()
        assert names == ["foreign"]
        assert (
            root_shell("node3", "ls -d /var/lib/provision* /etc/provision || true")
            == ""
        )
        assert {h: id_of(h) for h in HOSTS[:2]} == {h: before[h] for h in HOSTS[:2]}
        again = invoke("deploy", "--inventory", str(deployed), "--prune").expect_exit(0)
        assert "no host has left" in again.output
    finally:
        root_shell("node3", "docker rm -f foreign")
