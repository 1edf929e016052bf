"""All that a user may add to Ray's container is in it; bad inputs are refused while Ray runs.

Docker, Ray, the mounts and the file system that hangs (FUSE, with nobody who answers) are real.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.lab.commands import INVENTORY, CommandResult, invoke, invoke_with_report
from support.lab.host_state import root_shell

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(900)]

HOST = "node3"
NAME = "ray-lab"
VOLUME = "provision-test-cache"
# Docker on hosts of the lab may raise no limit: they lack that one capability.
ADDITIONS = {
    "ray_mounts": ["/srv/models:/models:ro", f"{VOLUME}:/cache", "tmpfs:/scratch:50"],
    "ray_devices": ["/dev/null:/dev/added"],
    "ray_limits": {"memlock": 65536, "stack": 4194304, "core": None},
    "ray_object_store_memory_mb": 100,
    "ray_shm_mb": 300,
    "ray_memory_mb": 3000,
    "ray_ipc": "shareable",
    "ray_groups": ["44"],
    "ray_env": {"ADDED": "a b"},
    "ray_start_args": ["--object-spilling-directory=/scratch"],
    "ray_docker_args": ["--cap-add=SYS_NICE"],
}
HANGING = r"""
mkdir -p /srv/hangs
[ -e /dev/fuse ] || mknod /dev/fuse c 10 229
exec 9<>/dev/fuse
mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0 nobody /srv/hangs
nohup sleep 600 >/dev/null 2>&1 &
echo $! >/run/hangs.pid
"""


def sets(**more: Any) -> list[str]:
    """The options that set the additions, and *more*."""
    values = {**ADDITIONS, **more}
    return [
        word
        for name, value in values.items()
        for word in ("--set", f"{name}={json.dumps(value)}")
    ]


def act(command: str, **more: Any) -> CommandResult:
    return invoke(command, "--inventory", INVENTORY, "--limit", HOST, *sets(**more))


def inspected() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(root_shell(HOST, f"docker inspect {NAME}"))[0]
    return found


def inside(script: str) -> str:
    return root_shell(HOST, f"docker exec {NAME} sh -c '{script}'").strip()


@pytest.fixture(scope="module", autouse=True)
def node(running_lab: object) -> Iterator[None]:
    """Let one worker have all additions; afterwards it is as the others are."""
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)
    root_shell(HOST, "mkdir -p /srv/models && echo weights >/srv/models/file")
    act("deploy").expect_exit(0)
    yield
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)
    # The container that is kept for a rollback has the volume: it goes with that one.
    root_shell(HOST, "rm -r /srv/models")


def test_all_of_it_is_in_the_container() -> None:
    found = inspected()
    host, config = found["HostConfig"], found["Config"]
    assert host["Memory"] == 3000 * 2**20
    assert host["ShmSize"] == 300 * 2**20
    assert host["IpcMode"] == "shareable"
    assert host["GroupAdd"] == ["44"]
    assert [cap.removeprefix("CAP_") for cap in host["CapAdd"]] == ["SYS_NICE"]
    assert "ADDED=a b" in config["Env"]
    assert inside("cat /models/file") == "weights"
    assert (
        "read-only"
        in root_shell(
            HOST, f"docker exec {NAME} touch /models/new 2>&1 || true"
        ).lower()
    )
    assert inside("stat -c %t:%T /dev/added") == "1:3"
    assert inside("ulimit -l") == "64"
    assert inside("ulimit -s") == "4096"
    assert inside("stat -f -c %T /scratch") == "tmpfs"
    mounts = {mount["Destination"]: mount for mount in found["Mounts"]}
    assert mounts["/cache"]["Name"] == VOLUME
    assert "--object-spilling-directory=/scratch" in found["Args"]


def test_a_second_deploy_changes_nothing_in_one_round_trip(tmp_path: Path) -> None:
    words = ("deploy", "--inventory", INVENTORY, "--limit", HOST, *sets())
    done, report = invoke_with_report(*words, report=tmp_path / "report.json")
    done.expect_exit(0)
    host = report["hosts"][HOST]
    assert (host["changed"], host["round_trips"]) == (0, 1), done.output


def test_memory_that_was_changed_by_hand_is_a_difference() -> None:
    update = "docker update --memory {0}m --memory-swap {0}m " + NAME
    root_shell(HOST, update.format(3500))
    try:
        done = act("plan").expect_exit(3)
        assert "memory_mb: 3500 -> 3000" in done.output
    finally:
        root_shell(HOST, update.format(3000))
    act("plan").expect_exit(0)


BAD = {
    "a mount that is missing": (
        {"ray_mounts": ["/srv/nothing"]},
        "/srv/nothing is not on this host",
    ),
    "a device that is missing": (
        {"ray_devices": ["/dev/nothing"]},
        "/dev/nothing is not on this host",
    ),
    "an option of Ray that is ours": (
        {"ray_start_args": ["--port=1"]},
        "--port is set by ray_ports",
    ),
    "a flag of Docker that is ours": (
        {"ray_docker_args": ["--memory=1g"]},
        "--memory is set by the parameter memory_mb",
    ),
    "two mounts at one path": (
        {"ray_mounts": ["/srv/models:/models", "/srv:/models"]},
        "two of them are at /models",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_wrong_is_refused_while_ray_runs(what: str) -> None:
    before = inspected()["Id"]
    values, words = BAD[what]
    done = act("deploy", **values)
    assert done.code == (2 if "is not on this host" in words else 5), done.output
    assert words in " ".join(done.output.split()), done.output
    now = inspected()
    assert (now["Id"], now["State"]["Health"]["Status"]) == (before, "healthy")


def test_a_mount_that_hangs_is_named_and_does_not_hang_the_run() -> None:
    before = inspected()["Id"]
    root_shell(HOST, HANGING)
    try:
        done = act("deploy", ray_mounts=["/srv/hangs"])
    finally:
        root_shell(
            HOST, "kill $(cat /run/hangs.pid); umount -l /srv/hangs; rmdir /srv/hangs"
        )
    assert "/srv/hangs does not answer" in " ".join(done.output.split()), done.output
    assert done.code == 2
    assert inspected()["Id"] == before
