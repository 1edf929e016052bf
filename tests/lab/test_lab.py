"""The lab itself, on this machine: what breaks is repaired. Seen through plain ssh."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from provision import lab
from provision.errors import LabError
from provision.lab import engine
from provision.lab.paths import LabPaths

pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("running_lab"),
]
NAMES = ["node1", "node2", "node3"]


def ssh(host: str, command: str) -> str:
    """Return the output of *command*, over the system's ssh and the files that `up` made."""
    paths = LabPaths.find()
    options = {
        "UserKnownHostsFile": paths.known_hosts,
        "StrictHostKeyChecking": "yes",
        "BatchMode": "yes",
        "ConnectTimeout": "5",
    }
    argv = ["ssh", "-F", "none", "-i", str(paths.key)]
    argv += [f"-o{name}={value}" for name, value in options.items()]
    argv += [f"-p{2200 + int(host[4:])}", "admin@127.0.0.1", command]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def mark(host: str) -> str:
    """Leave something on the disk of *host*; returns it."""
    sign = f"{time.time()}"
    lab.run(host, "sh", "-c", f"echo {sign} >/root/mark")
    return sign


def left(host: str) -> str:
    """Return the content of the file that `mark` wrote."""
    return lab.run(host, "sh", "-c", "cat /root/mark 2>/dev/null || true")


def boots(host: str) -> str:
    """A number that is another after each boot."""
    return lab.run(host, "stat", "--format=%y", "/proc/1")


def up() -> list[str]:
    """Bring the lab up again; return its messages of progress."""
    printed: list[str] = []
    assert [node.name for node in lab.up(3, progress=printed.append)] == NAMES
    return printed


def test_hosts_are_bare_linux_machines_with_sudo() -> None:
    lab.reset()
    for name in NAMES:
        assert ssh(name, "sudo id -un; hostname") == f"root\n{name}"
        assert ssh(name, "systemctl is-system-running --wait") == "running"
        assert ssh(name, "command -v docker python3 || true") == ""


def test_hosts_reach_each_other_and_nothing_else() -> None:
    assert ssh("node1", "bash -c 'exec 3<>/dev/tcp/172.30.77.12/22; head -c4 <&3'")
    began = time.monotonic()
    ssh("node1", "! getent hosts name.invalid")
    assert time.monotonic() - began < 5, "a name from outside must fail soon"


def test_docker_comes_from_the_labs_packages_and_ray_from_its_registry() -> None:
    mirror = '{"registry-mirrors": ["http://172.30.77.2:5000"]}'
    lab.run("node3", "sh", "-c", "apt-get update && apt-get install -y docker.io jq")
    lab.run("node3", "sh", "-c", f"echo '{mirror}' >/etc/docker/daemon.json")
    lab.run("node3", "systemctl", "restart", "docker")
    lab.run("node3", "docker", "pull", "--quiet", "rayproject/ray:2.60.0")
    run = "sudo docker run --rm --network host rayproject/ray:2.60.0"
    assert ssh("node3", f"{run} id -un") == "ray"
    assert "2.60.0" in ssh("node3", f"{run} ray --version")
    lab.reset(["node3"])


def test_up_again_touches_nothing_and_is_quick() -> None:
    before = [boots(name) for name in NAMES]
    began = time.monotonic()
    assert up() == []
    assert time.monotonic() - began < 5
    assert [boots(name) for name in NAMES] == before


def test_up_makes_a_removed_host_again_and_leaves_the_others() -> None:
    before = boots("node1")
    engine.LAB_ENGINE.docker("rm", "--force", "--volumes", "provision-lab-node2")
    assert [host.state for host in lab.status()] == ["running", "missing", "running"]
    assert not lab.is_up()
    assert up() == ["node2 created"]
    assert ssh("node2", "hostname") == "node2", "with the same host key"
    assert boots("node1") == before


def test_up_starts_a_host_that_lost_power_with_its_disk() -> None:
    sign = mark("node2")
    engine.LAB_ENGINE.docker("kill", "provision-lab-node2")
    assert lab.status()[1].state == "stopped"
    assert up() == ["node2 started"]
    assert left("node2") == sign


def test_up_reboots_a_host_that_has_no_ssh_server() -> None:
    lab.run("node2", "systemctl", "stop", "ssh")
    assert not lab.status()[1].ssh
    assert up() == ["node2 rebooted, because SSH did not answer"]
    assert lab.status()[1].ssh


def test_up_repairs_a_lab_whose_engine_was_killed() -> None:
    signs = [mark(name) for name in NAMES]
    pid = engine.running_pid()
    if pid is None:
        pytest.skip("the lab runs on the machine's own engine")
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.5)
    with pytest.raises(LabError, match="the lab is not running; start it"):
        lab.status()
    assert not lab.is_up()
    up()
    assert [left(name) for name in NAMES] == signs
    assert all(host.ssh for host in lab.status())


def test_up_repairs_the_servers_and_half_made_files() -> None:
    paths = LabPaths.find()
    engine.LAB_ENGINE.docker("kill", "provision-lab-registry")
    engine.LAB_ENGINE.docker("rm", "--force", "provision-lab-artifacts")
    paths.inventory.unlink()
    paths.known_hosts.write_text("")
    up()
    ssh("node1", "sudo apt-get update -qq")
    socket.create_connection(("172.30.77.2", 5000), timeout=2).close()
    inventory = yaml.safe_load(paths.inventory.read_text())
    assert list(inventory["all"]["children"]["workers"]["hosts"]) == NAMES[1:]


def test_the_committed_inventory_says_the_same_as_the_one_that_up_writes() -> None:
    committed = yaml.safe_load(Path("inventories/lab.yml").read_text())
    written = yaml.safe_load(LabPaths.find().inventory.read_text())
    for name in ("ansible_ssh_private_key_file", "known_hosts"):
        path = committed["all"]["vars"][name]
        assert path == f"../.lab/{written['all']['vars'][name]}"
        written["all"]["vars"][name] = path
    assert committed == written


def test_more_hosts_come_and_go() -> None:
    before = boots("node1")
    assert len(lab.up(4, progress=print)) == 4
    assert ssh("node4", "hostname") == "node4"
    assert up() == ["removing node4"]
    assert [host.name for host in lab.status()] == NAMES
    assert boots("node1") == before


def test_a_reset_host_is_bare_again_and_has_the_same_key() -> None:
    mark("node3")
    other = mark("node1")
    lab.reset(["node3"])
    assert left("node3") == ""
    assert ssh("node3", "hostname") == "node3"
    assert left("node1") == other


def test_a_reboot_keeps_the_disk() -> None:
    sign, before = mark("node2"), boots("node2")
    lab.reboot("node2")
    assert left("node2") == sign
    assert boots("node2") != before


def test_a_cut_host_is_unreachable_but_runs_until_it_is_mended() -> None:
    before = boots("node2")
    lab.cut("node2")
    host = lab.status()[1]
    assert (host.state, host.ssh) == ("cut", False)
    peer = "timeout 4 bash -c 'exec 3<>/dev/tcp/172.30.77.12/22'"
    assert ssh("node1", f"{peer} 2>/dev/null || echo unreachable") == "unreachable"
    lab.mend("node2")
    assert ssh("node2", "hostname") == "node2"
    assert boots("node2") == before


def test_up_mends_a_cut_host() -> None:
    lab.cut("node3")
    assert up() == ["node3 network reconnected"]


def test_an_unknown_host_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(
        LabError, match="no host 'web1'; its hosts are node1, node2, node3"
    ):
        lab.run("web1", "true")
    with pytest.raises(LabError, match="no host"):
        lab.reset(["node1", "web1"])


def test_a_failed_command_shows_what_it_said() -> None:
    with pytest.raises(LabError, match="no luck"):
        lab.run("node1", "sh", "-c", "echo no luck >&2; exit 3")


def test_a_lab_in_another_directory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provision.lab.paths._nearest_root", lambda: tmp_path / ".lab")
    with pytest.raises(
        LabError, match=r"run only one; remove it first: cd .*lab\.down"
    ):
        lab.up(1, progress=print)
    with pytest.raises(LabError, match="run only one"):
        lab.down()
