"""A node that does not get healthy goes back by itself; seen by plain Docker and Ray."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from support.lab.commands import INVENTORY, CommandResult, invoke

from provision import lab

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

IMAGE = "rayproject/ray:2.60.0"
BROKEN = f"{IMAGE}-broken"
BREAK = f"""
made=$(docker create {IMAGE})
docker commit --change 'ENTRYPOINT ["/bin/false"]' "$made" {BROKEN}
docker rm "$made"
"""
CASES = {
    "an option": ("ray_num_gpus=2", "ray_env={CUDA_VISIBLE_DEVICES: '0'}"),
    "an environment": ("ray_env={PYTHONHOME: /nowhere}",),
    "an image": (f"ray_image={BROKEN}", "ray_version=2.60.0"),
}
SETTLE_S = 180
"""The time that a node has to join, by default."""
STATE = "{{.Id}} {{.State.Status}} {{with .State.Health}}{{.Status}}{{end}}"
ALIVE = """
import ray
ray.init(address="auto", log_to_driver=False)
print("ALIVE", *sorted(n["NodeManagerAddress"] for n in ray.nodes() if n["Alive"]))
"""
ADDRESSES = ["172.30.77.11", "172.30.77.12", "172.30.77.13"]


def root_shell(host: str, script: str) -> str:
    return lab.run(host, "sh", "-c", script).strip()


def container() -> list[str]:
    """Id, status and health of the Ray container of node3."""
    return root_shell("node3", f"docker inspect --format '{STATE}' ray-lab").split()


def alive() -> list[str]:
    """Return the addresses of the nodes that Ray has as alive."""
    python = ("docker", "exec", "ray-lab", "python", "-c", ALIVE)
    lines = lab.run("node1", *python).splitlines()
    [found] = [line for line in lines if line.startswith("ALIVE")]
    return found.split()[1:]


def wait_until_all_are_alive() -> None:
    deadline = time.monotonic() + 60
    while (found := alive()) != ADDRESSES:
        assert time.monotonic() < deadline, found
        time.sleep(1)


def wait_until_nothing_differs() -> None:
    """Wait until Prometheus has seen the node that came back."""
    deadline = time.monotonic() + 60
    while (done := invoke("plan", "--inventory", INVENTORY)).code:
        assert time.monotonic() < deadline, done.output
        assert not re.search(r"^node\d +would change", done.output, re.M), done.output
        time.sleep(1)


@pytest.fixture(scope="module")
def deployed(running_lab: object) -> Iterator[None]:
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)
    yield
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)


@pytest.fixture
def broken_image(deployed: None) -> Iterator[None]:
    root_shell("node3", BREAK)
    yield
    root_shell("node3", f"docker image rm --force {BROKEN}")


def deploy(*settings: str) -> CommandResult:
    words = [word for one in settings for word in ("--set", one)]
    where = ("--inventory", INVENTORY, "--limit", "node3")
    return invoke("deploy", *where, *words)


@pytest.mark.usefixtures("broken_image")
@pytest.mark.parametrize(
    "case",
    [
        "an environment",
        *(
            pytest.param(case, marks=pytest.mark.long)
            for case in ("an option", "an image")
        ),
    ],
)
def test_a_node_that_does_not_get_healthy_goes_back(case: str) -> None:
    before = container()
    assert before[1:] == ["running", "healthy"]
    started = time.monotonic()
    done = deploy(*CASES[case]).expect_exit(2)
    assert time.monotonic() - started < SETTLE_S, "a crash loop is not waited for"
    assert "its process has ended" in done.output
    assert "kept the old one: it runs again, and is healthy" in done.output
    assert container() == before
    wait_until_all_are_alive()
    wait_until_nothing_differs()


@pytest.mark.long
@pytest.mark.usefixtures("deployed")
def test_without_that_it_stays_for_a_person_to_look_at() -> None:
    before = container()
    done = deploy(*CASES["an environment"], "ray_keep_old=false").expect_exit(2)
    assert "kept the old one" not in done.output
    assert container()[0] != before[0]
    assert container()[2] != "healthy"
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)
    wait_until_all_are_alive()
