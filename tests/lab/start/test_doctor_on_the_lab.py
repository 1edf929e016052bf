"""doctor on the lab: silent on healthy hosts, and each planted fault found on its host."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.lab.commands import ROOT, argv, invoke

from provision import lab
from provision.lab.paths import LabPaths
from start.doctor_table import with_row
from start.fault import Fault
from start.planted_faults import rounds

pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(600),
    pytest.mark.usefixtures("running_lab"),
]
PAGE = ROOT / "docs/doctor.md"
Json = dict[str, Any]


def doctor(inventory: Path | str, *words: str) -> tuple[int, Json]:
    """Run the command; return its exit code, and what it printed."""
    done = subprocess.run(
        argv("doctor", "--inventory", str(inventory), "--json", *words),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    found: Json = json.loads(done.stdout)
    return done.returncode, found


def findings(found: Json) -> list[dict[str, str]]:
    return [*found["failures"], *found["warnings"]]


def names(found: Json) -> set[str]:
    """The findings as `host id`."""
    return {f"{one['host']} {one['id']}" for one in findings(found)}


def inventory(folder: Path, faults: Sequence[Fault]) -> Path:
    """Write the lab's inventory with the variables of *faults*."""
    paths = LabPaths.find()
    data: Json = yaml.safe_load(paths.inventory.read_text())
    shared = data["all"]["vars"]
    shared["ansible_ssh_private_key_file"] = str(paths.key)
    shared["known_hosts"] = str(paths.known_hosts)
    for group in data["all"]["children"].values():
        for name, host in group["hosts"].items():
            for fault in faults:
                host.update(fault.vars if fault.host == name else {})
    (folder / "empty_known_hosts").touch()
    path = folder / "lab.yml"
    path.write_text(yaml.safe_dump(data))
    return path


@contextlib.contextmanager
def planted(faults: Sequence[Fault]) -> Iterator[None]:
    """Plant *faults*, and take them back."""
    with contextlib.ExitStack() as stack:
        for fault in faults:
            if fault.cure:
                stack.callback(lab.run, fault.host, "sh", "-c", fault.cure)
            if fault.plant:
                lab.run(fault.host, "sh", "-c", fault.plant)
        yield


def test_three_bare_hosts_are_healthy() -> None:
    """The one that is quick; a port that is taken is found meanwhile."""
    bare()
    code, found = doctor("lab.yml")
    assert (code, names(found)) == (0, set()), found
    assert found["ok"] is True
    assert found["pairs"] == {"all": 6, "tested": 6, "sampled": False}
    assert {facts["arch"] for facts in found["hosts"].values()} == {os.uname().machine}
    left = [lab.run(host, "ss", "-Hltn") for host in found["hosts"]]
    assert not [text for text in left if ":63" in text], "listeners are left"
    port_taken = rounds()[0][0]
    with planted([port_taken]):
        code, found = doctor("lab.yml")
    assert (code, names(found)) == (2, port_taken.expected)


def bare() -> None:
    """See to hosts that have nothing of a cluster."""
    has_docker = "command -v docker || [ -e /var/lib/provision-lab ] && echo yes; true"
    if any(lab.run(host, "sh", "-c", has_docker).strip() for host in HOSTS):
        lab.reset()


HOSTS = ("node1", "node2", "node3")


@pytest.mark.long
@pytest.mark.parametrize("number", range(len(rounds())))
def test_planted_faults_are_found(number: int, tmp_path: Path) -> None:
    bare()
    faults = rounds()[number]
    with planted(faults):
        code, found = doctor(inventory(tmp_path, faults), "--strict")
    expected = set[str]().union(*(fault.expected for fault in faults))
    assert names(found) == expected, findings(found)
    for fault in faults:
        mine = [
            one
            for one in findings(found)
            if (one["host"], one["id"]) == (fault.host, fault.id)
        ]
        assert not fault.id or any(fault.said in one["seen"] for one in mine), mine
        assert all(one["remedy"] and one["wanted"] for one in mine)
        record(fault, mine)
    assert code == (2 if found["failures"] else 3)


def record(fault: Fault, mine: Sequence[dict[str, str]]) -> None:
    """With PROVISION_KEEP set: keep what doctor said in the table of the page."""
    if os.environ.get("PROVISION_KEEP") and fault.id:
        order = [one.what for faults in rounds() for one in faults if one.id]
        seen = next(one for one in mine if fault.said in one["seen"])
        page = with_row(PAGE.read_text(), fault.what, seen, order)
        PAGE.write_text(page)


SLOW = Fault(
    "a network card that sends slowly",
    "bandwidth-low",
    "node3",
    "tc qdisc add dev eth0 root tbf rate 100mbit burst 64kb latency 200ms",
    "tc qdisc del dev eth0 root",
)


@pytest.mark.long
def test_bandwidth_between_bare_hosts_and_one_that_is_slow(tmp_path: Path) -> None:
    """They have perl-base, and nothing else that could send or receive."""
    bare()
    path = inventory(tmp_path, [])
    _, found = doctor(path, "--bandwidth")
    measured = found["bandwidth"]
    assert (len(measured["transfers"]), measured["sampled"]) == (6, False)
    assert all(one["gbit_s"] > 0.2 for one in measured["transfers"]), measured
    with planted([SLOW]):
        code, found = doctor(path, "--bandwidth", "--strict")
    assert code == 3, found
    slow = [one for one in found["warnings"] if "bandwidth" in one["id"]]
    assert {one["host"] for one in slow} == {SLOW.host}, slow
    assert any("node3 -> node" in one["seen"] for one in slow), slow


@pytest.mark.long
def test_a_deployed_cluster_is_healthy(tmp_path: Path) -> None:
    """Its own ports, and what listens there, are no conflict."""
    invoke("deploy", "--inventory", "lab.yml").expect_exit(0)
    code, found = doctor("lab.yml", "--strict")
    assert (code, names(found)) == (0, set()), found
    assert found["pairs"]["tested"] == 6
    _, found = doctor(inventory(tmp_path, []), "--bandwidth")
    made = found["bandwidth"]["transfers"]
    assert len(made) == 6 and all(one["gbit_s"] for one in made), made
    with planted(
        [Fault("", "", "node2", "docker stop ray-lab", "docker start ray-lab")]
    ):
        stranger = rounds()[0][0]
        strange = Fault("", "", "node2", stranger.plant, stranger.cure)
        with planted([strange]):
            code, found = doctor("lab.yml")
            assert "node2 port-taken" in names(found), found
    invoke("teardown", "--yes", "--inventory", "lab.yml").expect_exit(0)
