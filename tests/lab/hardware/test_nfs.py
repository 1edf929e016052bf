"""NFS for real: its server and its client are those of a Linux kernel, on hosts that have one each."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.kernel_hosts import image
from support.kernel_hosts.hosts import KernelHosts
from support.lab.commands import ROOT, CommandResult, argv

from provision.lab.paths import LabPaths

pytestmark = [
    pytest.mark.lab,
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(image.missing()), reason=image.missing()),
]

SERVER, CLIENT = 1, 2
NAMES = {SERVER: "store", CLIENT: "desk"}


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelHosts]:
    """A server and a client, bare but for the packages of NFS."""
    found = image.made(LabPaths.find().cache)
    with KernelHosts(found, tmp_path_factory.mktemp("k"), 2) as both:
        yield both


def inventory(folder: Path, hosts: KernelHosts, first: str, second: str) -> Path:
    """Write an inventory with the server in group *first*, and the client in *second*."""
    common = {
        "ansible_user": "root",
        "ansible_become": False,
        "ansible_ssh_private_key_file": str(hosts.key),
        "known_hosts": str(hosts.known_hosts),
    }
    groups = {first: SERVER, second: CLIENT}
    data: dict[str, Any] = {
        group: {"hosts": {NAMES[n]: {"ansible_host": hosts.address(n)}}}
        for group, n in groups.items()
    }
    file = folder / "rack.yml"
    file.write_text(yaml.safe_dump({"all": {"vars": common, "children": data}}))
    return file


def act(hosts: KernelHosts, *words: str | Path, limit_s: float = 300) -> CommandResult:
    """Run `invoke WORDS` in the network of the hosts."""
    texts = tuple(map(str, words))
    done = subprocess.run(
        [*hosts.inside, *argv(*texts)],
        cwd=ROOT,
        env={**os.environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=limit_s,
        check=False,
    )
    return CommandResult(texts, done.returncode, done.stdout)


def said(done: CommandResult) -> str:
    return " ".join(done.output.split())


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory, hosts: KernelHosts) -> Path:
    """An inventory of the playbook nfs, which was deployed."""
    file = inventory(tmp_path_factory.mktemp("rack"), hosts, "servers", "clients")
    act(hosts, "deploy", "--playbook", "nfs", "--inventory", file).expect_exit(0)
    return file


def test_what_a_server_exports_is_mounted_by_its_client(
    rack: Path, hosts: KernelHosts, tmp_path: Path
) -> None:
    mounts = hosts.run(CLIENT, "cat /proc/mounts")
    [line] = [one for one in mounts.splitlines() if " /nfs/store " in one]
    assert line.split()[:3] == ["10.77.0.11:/srv/nfs", "/nfs/store", "nfs4"]
    hosts.run(CLIENT, "echo hello >/nfs/store/file")
    assert hosts.run(SERVER, "cat /srv/nfs/file; stat -c %u /srv/nfs/file").split() == [
        "hello",
        "2000",
    ]
    report = tmp_path / "report.json"
    again = act(
        *(hosts, "deploy", "--playbook", "nfs", "--inventory", rack),
        *("--report", report),
    )
    again.expect_exit(0)
    found = json.loads(report.read_text())["hosts"]
    trips = {name: (one["changed"], one["round_trips"]) for name, one in found.items()}
    assert trips == {"store": (0, 1), "desk": (0, 1)}


def test_a_server_that_is_gone_is_named_in_time_and_hangs_nothing(
    rack: Path, hosts: KernelHosts
) -> None:
    plan = (hosts, "plan", "--playbook", "nfs", "--inventory", rack, "--limit", "desk")
    # The client has just asked for the folder's attributes, and remembers them for a while.
    hosts.run(CLIENT, "stat /nfs/store")
    hosts.cut(SERVER)
    try:
        done = act(*plan, limit_s=60)
    finally:
        hosts.mend(SERVER)
    assert done.code == 2, done.output
    assert "/nfs/store does not answer in 5 s: 10.77.0.11:/srv/nfs hangs" in said(done)
    hosts.run(CLIENT, "stat /nfs/store; cat /nfs/store/file")
    act(*plan).expect_exit(0)


def test_a_client_that_is_not_let_in_is_told_with_advice(
    rack: Path, hosts: KernelHosts
) -> None:
    hosts.run(CLIENT, "umount /nfs/store")
    hosts.run(SERVER, "exportfs -ua")
    done = act(
        *(hosts, "deploy", "--playbook", "nfs", "--inventory", rack, "--limit", "desk")
    )
    assert done.code == 2, done.output
    assert "see its exports" in said(done), done.output
    act(hosts, "deploy", "--playbook", "nfs", "--inventory", rack).expect_exit(0)


def test_the_shared_folder_of_a_cluster_is_exported_and_mounted(
    tmp_path: Path, hosts: KernelHosts
) -> None:
    file = inventory(tmp_path, hosts, "head", "workers")
    folders = json.dumps([{"from": "head:/srv/data", "at": "/data"}])
    # Neither Docker nor Ray is on these hosts: only the plays of the folders are run.
    words = (
        *("--inventory", file, "--tags", "shared"),
        *("--set", "ray_runtime=pip", "--set", f"shared_folders={folders}"),
    )
    act(hosts, "deploy", *words).expect_exit(0)
    hosts.run(SERVER, "echo shared >/srv/data/file")
    assert hosts.run(CLIENT, "cat /data/file") == "shared\n"
    assert hosts.run(SERVER, "stat -c '%u %a' /srv/data") == "1000 2775\n"
    act(hosts, "plan", *words).expect_exit(0)
    status = (
        *(hosts, "status", "--inventory", file),
        *("--set", f"shared_folders={folders}"),
    )
    storage = said(act(*status))
    assert "/data own, " in storage and "MB free" in storage, storage
    assert "shared /data: 10.77.0.11:/srv/data of store, on 2 of 2 hosts" in storage
    hosts.cut(SERVER)
    try:
        storage = said(act(*status, limit_s=90))
    finally:
        hosts.mend(SERVER)
    assert "/data hangs" in storage, storage
    assert "unknown on 1" in storage, "the server is the host that is cut off"
