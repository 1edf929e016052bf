"""Hosts that leave the lab's cluster and come back; the inventory is edited in place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.lab.commands import INVENTORY, ROOT, invoke

from provision import lab

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture
def path(running_lab: object, tmp_path: Path) -> Iterator[Path]:
    """The lab's inventory as it is written, with its comments, in a folder of its own."""
    text = (ROOT / INVENTORY).read_text().replace("../.lab/", f"{ROOT / '.lab'}/")
    made = tmp_path / "lab.yml"
    made.write_text(text)
    invoke("deploy", "--inventory", str(made)).expect_exit(0)
    yield made
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)


def containers(host: str) -> str:
    return lab.run(
        host, "sh", "-c", "docker ps -a --format '{{.Names}}' || true"
    ).strip()


def test_a_worker_leaves_and_comes_back(path: Path) -> None:
    of, before = ("--inventory", str(path), "--yes"), path.read_text()
    line = "        node3: { ansible_port: 2203, address: 172.30.77.13 }\n"
    left = invoke("node.remove", "node3", *of).expect_exit(0).output
    assert f"-{line.rstrip()}" in left
    assert path.read_text() == before.replace(line, "")
    assert "ray-lab" not in containers("node3")
    invoke("plan", "--inventory", str(path)).expect_exit(0)
    values = ("--var", "ansible_port=2203", "--var", "address=172.30.77.13")
    invoke("node.add", "node3", *values, *of).expect_exit(0)
    assert path.read_text() == before
    assert "ray-lab" in containers("node3")
    invoke("plan", "--inventory", str(path)).expect_exit(0)


def test_a_host_that_cannot_be_reached_does_not_come(path: Path) -> None:
    of, before = ("--inventory", str(path), "--yes"), path.read_text()
    done = invoke("node.add", "node9", "--var", "ansible_port=1", *of)
    assert done.code == 4
    assert "the inventory is as it was" in done.output
    assert path.read_text() == before


def test_a_drained_worker_comes_back(path: Path) -> None:
    of = ("--inventory", str(path))
    assert "node3 rests" in invoke("node.drain", "node3", *of).expect_exit(0).output
    assert "2 of 3 nodes ALIVE" in invoke("status", *of).expect_exit(0).output
    invoke("start", "--limit", "node3", *of).expect_exit(0)
