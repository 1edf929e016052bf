"""Trouble on real hosts: the run names host, step, cause and remedy, and loses nothing.

One bare lab, several kinds of trouble at once where they do not hide each other; at the
end the same command finishes the job.
"""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from faults.fault_host import LOCKS
from support.lab.commands import (
    INVENTORY,
    ROOT,
    CommandResult,
    argv,
    invoke,
    invoke_with_report,
)
from support.lab.host_state import root_shell
from support.lab.one_host import apply
from support.lab.one_host import failure as failure_of

from provision import lab
from provision.steps.docker.image import DockerImageAbsent

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

Report = dict[str, Any]
REGISTRY = "172.30.77.2:5000"


def failure(report: Report, host: str) -> dict[str, Any]:
    """The failed step of *host*, or the host itself if it failed as a whole."""
    found = report["hosts"][host]
    steps = [step for step in found["steps"] if step["outcome"] == "failed"]
    return {"step": "", **(steps[0] if steps else found)}


@pytest.fixture(scope="module", autouse=True)
def bare(running_lab: object) -> None:
    lab.reset()


@pytest.fixture(scope="module")
def interrupted(bare: None) -> CommandResult:
    child = subprocess.Popen(
        argv("deploy", "--inventory", INVENTORY, "-v"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    threading.Timer(60, child.kill).start()
    lines: list[str] = []
    for line in child.stdout or ():
        lines.append(line)
        if "Unpacking" in line and child.poll() is None:
            child.send_signal(signal.SIGINT)
            break
    rest, _ = child.communicate(timeout=60)
    return CommandResult(("deploy",), child.returncode, "".join(lines) + rest)


class TestInterruption:
    """Ctrl-C while packages are being installed."""

    def test_it_ends_with_130_and_a_summary(self, interrupted: CommandResult) -> None:
        interrupted.expect_exit(130)
        assert "interrupted" in interrupted.output.lower()
        assert "node1" in interrupted.output.splitlines()[-4:][0] or (
            "round trips" in interrupted.output
        )

    def test_nothing_is_left_running_on_the_hosts(
        self, interrupted: CommandResult
    ) -> None:
        for host in ("node1", "node2", "node3"):
            assert root_shell(host, "pgrep -x apt-get || true").strip() == ""
            assert root_shell(host, LOCKS) == ""


@pytest.fixture(scope="class")
def troubled(
    bare: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[CommandResult, Report]]:
    root_shell(
        "node1",
        "mkdir -p /run/sshd; /usr/sbin/sshd -p 6379 -o PidFile=/run/taken.pid",
    )
    root_shell("node2", "systemctl stop docker docker.socket 2>/dev/null || true")
    root_shell("node2", "mount -t tmpfs -o size=150m tmpfs /var/lib/docker")
    lab.cut("node3")
    report = tmp_path_factory.mktemp("trouble") / "report.json"
    yield invoke_with_report("deploy", "--inventory", INVENTORY, report=report)
    lab.mend("node3")
    root_shell(
        "node2", "systemctl stop docker docker.socket; umount -l /var/lib/docker"
    )
    root_shell("node1", "kill $(cat /run/taken.pid)")


class TestThreeTroublesAtOnce:
    """A foreign process on Ray's port, a full disk, and a host that is cut off."""

    def test_it_ends_with_2(self, troubled: tuple[CommandResult, Report]) -> None:
        troubled[0].expect_exit(2)

    def test_a_taken_port_is_refused_with_who_has_it(
        self, troubled: tuple[CommandResult, Report]
    ) -> None:
        done, report = troubled
        failed = failure(report, "node1")
        assert failed["step"] == "ray head"
        assert "port 6379 is taken by sshd (process" in failed["error"]["message"]
        assert "ray_ports" in failed["error"]["hint"]
        assert "port 6379 is taken by sshd" in done.output

    def test_a_full_disk_is_refused_with_the_room_there_is(
        self, troubled: tuple[CommandResult, Report]
    ) -> None:
        done, report = troubled
        failed = failure(report, "node2")
        assert failed["step"] == "docker engine"
        assert (
            "/var/lib/docker has 150 MB free, and 600 MB" in failed["error"]["message"]
        )
        assert "room_mb" in failed["error"]["hint"]
        assert "no room for" in done.output

    def test_a_host_that_is_cut_off_is_named_and_the_others_are_worked_on(
        self, troubled: tuple[CommandResult, Report]
    ) -> None:
        done, report = troubled
        failed = failure(report, "node3")
        assert failed["error"]["type"] == "ConnectError"
        assert "127.0.0.1:2203" in failed["error"]["message"]
        assert failed["error"]["hint"]
        assert report["hosts"]["node1"]["changed"] > 0
        assert "node3" in done.output

    def test_what_waited_for_the_head_is_blocked_not_failed(
        self, troubled: tuple[CommandResult, Report]
    ) -> None:
        _, report = troubled
        assert report["hosts"]["node1"]["blocked"] > 0
        assert report["hosts"]["node2"]["blocked"] > 0

    def test_status_is_of_use_while_a_host_is_dead(
        self, troubled: tuple[CommandResult, Report]
    ) -> None:
        done = invoke("status", "--inventory", INVENTORY)
        assert done.code in (2, 4), done.output
        assert all(host in done.output for host in ("node1", "node2", "node3"))


def test_the_same_command_finishes_the_job_when_the_trouble_is_gone() -> None:
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)
    invoke("plan", "--inventory", INVENTORY).expect_exit(0)


def test_an_image_that_does_not_exist_is_named(tmp_path: Path) -> None:
    done, report = invoke_with_report(
        *("deploy", "--inventory", INVENTORY, "--limit", "node3"),
        *("--set", f"docker_insecure_registries=[{REGISTRY}]"),
        *("--set", f"ray_image={REGISTRY}/rayproject/ray:99.0.0"),
        report=tmp_path / "report.json",
    )
    done.expect_exit(2)
    failed = failure(report, "node3")
    assert failed["step"] == f"image {REGISTRY}/rayproject/ray:99.0.0"
    assert "no such image or tag" in failed["error"]["hint"]
    invoke("plan", "--inventory", INVENTORY).expect_exit(0)


@pytest.fixture
def no_sudo() -> Iterator[None]:
    root_shell("node2", "mv /etc/sudoers.d/admin /root/admin.sudo")
    yield
    root_shell("node2", "mv /root/admin.sudo /etc/sudoers.d/admin")


def test_refused_sudo_is_reported_with_the_line_that_allows_it(
    no_sudo: None, tmp_path: Path
) -> None:
    done, report = invoke_with_report(
        "plan", "--inventory", INVENTORY, report=tmp_path / "report.json"
    )
    done.expect_exit(2)
    error = failure(report, "node2")["error"]
    assert error["type"] == "PrivilegeError"
    assert "admin@node2" in error["message"]
    assert "sudoers" in error["hint"]
    assert report["hosts"]["node1"]["ok"] > 0


@pytest.fixture
def other_inventory(tmp_path: Path) -> Callable[..., str]:
    """The lab's inventory with some text replaced."""

    def make(**texts: str) -> str:
        text = (ROOT / INVENTORY).read_text().replace("../.lab", str(ROOT / ".lab"))
        for old, new in texts.items():
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "other.yml"
        path.write_text(text)
        return str(path)

    return make


def test_a_key_the_hosts_do_not_know_is_told(
    other_inventory: Callable[..., str], tmp_path: Path
) -> None:
    key = tmp_path / "key"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True
    )
    inventory = other_inventory(**{str(ROOT / ".lab/id_ed25519"): str(key)})
    done = invoke("plan", "--inventory", inventory).expect_exit(4)
    assert "login refused" in done.output
    assert "authorized_keys" in done.output


def test_a_host_key_that_is_not_known_is_refused(
    other_inventory: Callable[..., str], tmp_path: Path
) -> None:
    inventory = other_inventory(
        **{str(ROOT / ".lab/known_hosts"): str(tmp_path / "none")}
    )
    done = invoke("plan", "--inventory", inventory).expect_exit(4)
    assert "FAILED" in done.output and "is unknown: ssh-ed25519 SHA256:" in done.output
    assert done.output.count("FAILED") == 1, "three hosts, one thing to do"
    assert f"accept it: invoke trust --inventory {inventory}\n" in done.output


@pytest.mark.long
def test_a_host_that_has_no_way_to_the_head_is_refused_by_its_name(
    tmp_path: Path,
) -> None:
    root_shell("node3", "docker rm -f ray-lab; ip route add blackhole 172.30.77.11")
    try:
        done, report = invoke_with_report(
            *("deploy", "--inventory", INVENTORY, "--set", "ray_settle_s=40"),
            report=tmp_path / "report.json",
        )
    finally:
        root_shell("node3", "ip route del blackhole 172.30.77.11")
    done.expect_exit(2)
    failed = failure(report, "node3")
    assert failed["step"] == "network of Ray"
    assert "knows no way to node1" in failed["error"]["message"]
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)


def test_two_deploys_at_once_are_not_both_let_in(tmp_path: Path) -> None:
    change = ("--inventory", INVENTORY, "--limit", "node3", "--set", "ray_num_cpus=2")
    first = subprocess.Popen(
        argv("deploy", *change, "-v"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    for line in first.stdout or ():
        if "ray worker" in line:
            break
    second = invoke("deploy", *change[:-1], "ray_num_cpus=3").expect_exit(6)
    rest, _ = first.communicate(timeout=300)
    assert first.returncode == 0, rest
    assert "is being changed by" in second.output
    assert f"process {first.pid}" in second.output
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)


@pytest.fixture
def no_daemon() -> Iterator[None]:
    root_shell("node3", "systemctl stop docker.socket docker")
    yield
    root_shell("node3", "systemctl start docker.socket docker")


def test_without_its_daemon_only_docker_files_tell_that_an_image_is_gone(
    no_daemon: None,
) -> None:
    """As a teardown finds a host where one before it was killed as it removed Docker."""
    never = DockerImageAbsent(name="rayproject/ray:2.60.0-never")
    assert failure_of(apply(never)) == ""
    there = failure_of(apply(DockerImageAbsent(name="rayproject/ray:2.60.0")))
    assert "Docker daemon" in there
    assert "systemctl start docker" in there


def test_a_teardown_leaves_what_another_cluster_shares() -> None:
    other, probe = (
        "/var/lib/provision-other",
        "systemctl is-active provision-node-exporter",
    )
    root_shell("node3", f"mkdir -p {other}")
    try:
        done = invoke("teardown", "--inventory", INVENTORY, "--yes").expect_exit(0)
        assert "node3 is a host of cluster other as well" in done.output
        assert root_shell("node3", f"{probe}; ls -d /opt/provision").split() == [
            *("active", "/opt/provision")
        ]
        assert root_shell("node2", f"{probe} || true").strip() == "inactive"
    finally:
        root_shell("node3", f"rm -rf {other}")
    invoke("teardown", "--inventory", INVENTORY, "--yes").expect_exit(0)
    assert root_shell("node3", f"{probe} || true").strip() == "inactive"
    assert root_shell("node3", "ls -d /opt/provision 2>/dev/null || true") == ""
