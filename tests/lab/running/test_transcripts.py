"""The transcripts of docs/transcripts.md: made here, on the lab, by the commands they show."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.lab.commands import INVENTORY, ROOT, invoke
from support.lab.host_state import HOSTS
from support.lab.transcript import Transcript

from provision import lab

MINUTE_S = 60
DAY_ONE = (
    "From bare hosts to a job, its logs, its result here, and a list of who did what."
)
BAD_NIGHT = "A host loses its power. Its cluster goes on without it, and takes it back in the morning."
SCRIPT = """\
import ray

ray.init()


@ray.remote
def where(number):
    return number**2, ray.util.get_node_ip_address()


found = ray.get([where.remote(number) for number in range(6)])
print("squares:", [square for square, _ in found])
print("computed on", *sorted({host for _, host in found}))
open("/tmp/result.txt", "w").write(f"{found}\\n")
"""
pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture
def session(running_lab: object, tmp_path: Path) -> Iterator[Transcript]:
    """A folder with the lab's inventory, as a person has it on the first day."""
    text = (ROOT / INVENTORY).read_text().replace("../.lab/", f"{ROOT / '.lab'}/")
    (tmp_path / "lab.yml").write_text(text)
    (tmp_path / "squares.py").write_text(SCRIPT)
    if (secrets := ROOT / "inventories/.provision").exists():
        # The same token, so that no node is replaced for another.
        shutil.copytree(secrets, tmp_path / ".provision")
    yield Transcript(tmp_path)
    lab.power_on(["node3"])
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)


def until_status(session: Transcript, code: int) -> None:
    """Wait until `status` ends with *code*, at most three minutes."""
    ends = time.monotonic() + 3 * MINUTE_S
    path = str(session.folder / "lab.yml")
    while (found := invoke("status", "--inventory", path)).code != code:
        assert time.monotonic() < ends, found.output
        time.sleep(2)


def test_day_one(session: Transcript) -> None:
    lab.reset(list(HOSTS))
    deployed = session.run("deploy", "--inventory", "lab.yml", first=8, last=16)
    assert "is up: 3 nodes" in deployed
    assert "0*0" in session.run("smoke")
    ran = session.run("run", "squares.py")
    assert "squares: [0, 1, 4, 9, 16, 25]" in ran
    [job] = re.findall(r"raysubmit_\w+", ran.partition("\n")[0] + ran)[:1]
    assert job in session.run("jobs")
    session.run("logs", "--of", "worker", "--lines", "2", "--limit", "node1", first=6)
    session.run("cp", "node1:/tmp/result.txt", ".", "--container")
    assert (session.folder / "result.txt").read_text().startswith("[(0, ")
    assert "nproc" in session.run("exec", "--", "echo nproc: $(nproc)")
    until_status(session, 0)
    session.run("status")
    assert "deploy" in session.run("history")
    session.write("day one", DAY_ONE)


def test_a_bad_night(session: Transcript) -> None:
    path = str(session.folder / "lab.yml")
    invoke("deploy", "--inventory", path).expect_exit(0)
    until_status(session, 0)
    lab.power_off(["node3"])
    session.remark("02:40, the power of node3 fails")
    status = session.run("status", "--inventory", "lab.yml", code=4)
    assert "node3" in status
    session.run("logs", "--limit", "node3", "--inventory", "lab.yml", code=4)
    words = ("--of", "gcs", "--lines", "3", "--limit", "node1")
    session.run("logs", *words, "--inventory", "lab.yml", first=12)
    until_smoke_names_node3(session)
    session.run("smoke", "--inventory", "lab.yml", code=2)
    session.remark("nobody can look after it before the morning: on with two nodes")
    gone = ("node.remove", "node3", "--lost", "--yes", "--inventory", "lab.yml")
    session.run(*gone, first=12, last=6)
    assert "node3" not in session.run("smoke", "--inventory", "lab.yml")
    lab.power_on(["node3"])
    session.remark("08:10, somebody has put the plug back")
    values = ("--var", "ansible_port=2203", "--var", "address=172.30.77.13")
    add = ("node.add", "node3", *values, "--yes", "--inventory", "lab.yml")
    session.run(*add, first=6, last=14)
    until_status(session, 0)
    assert "3 of 3 nodes ALIVE" in session.run("status", "--inventory", "lab.yml")
    assert "node3" in session.run("smoke", "--inventory", "lab.yml")
    session.write("a bad night", BAD_NIGHT)


def until_smoke_names_node3(session: Transcript) -> None:
    """Wait until Ray has missed node3 for long enough to call it dead."""
    ends = time.monotonic() + 2 * MINUTE_S
    path = str(session.folder / "lab.yml")
    while (
        "ALIVE on node3" not in (found := invoke("smoke", "--inventory", path)).output
    ):
        assert time.monotonic() < ends, found.output
        time.sleep(2)
