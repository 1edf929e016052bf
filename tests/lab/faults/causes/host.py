"""Faults of one host: sshd, reboot, full disks, DNS, commands that hang or flood."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from faults.fault import AGAIN, fault
from faults.fault_host import (
    FOLDER,
    FaultHost,
    fault_host,
    file_step,
    slow_step,
    wait_until,
)
from provision import lab

HEADING = "a host has a problem"
STEPS = [file_step("before"), slow_step("slow"), file_step("after")]
NAMES = ("after", "before", "slow")
OUTPUT_BYTES = 100_000_000
MAX_BYTES = 150_000_000
"""Memory limit of the controller: its programs, and a bounded part of the output."""
# OpenSSH 9.8 and newer call the process of a session sshd-session.
SESSIONS = "ps -eo pid=,args= | awk '/sshd(-session)?: admin/ && !/awk/ {print $1}'"


@fault(
    HEADING,
    "the SSH server of a host is restarted in the middle of a run",
    injection="`systemctl restart ssh` while a step runs.",
    outcome="No effect: an open connection outlives the restart of sshd (exit 0).",
    estimate_s=12,
)
def sshd_restarted() -> None:
    with fault_host() as host:
        run = host.start(STEPS)
        run.wait_for_line(f"applying file {FOLDER}/slow")
        host.run("systemctl restart ssh")
        printed = run.expect_exit(0)
        host.assert_files(*NAMES)
    assert "connection lost" not in printed


@fault(
    HEADING,
    "every SSH session of a host is killed in the middle of a run",
    injection="SIGKILL to the sshd processes of the run while a step runs.",
    outcome="The command of the step is killed with its session. The run connects again, "
    "probes, and applies what is still missing (exit 0).",
    estimate_s=20,
)
def sessions_killed() -> None:
    with fault_host() as host:
        run = host.start(STEPS)
        run.wait_for_line(f"applying file {FOLDER}/slow")
        wait_until(lambda: host.notes() == ["slow"], 10, "the step runs")
        host.run(f"kill -9 $({SESSIONS})")
        printed = run.expect_exit(0)
        host.assert_files(*NAMES)
        assert host.notes() == ["slow", "slow"], "killed, and then applied completely"
    assert "connection lost (1 of 3), probing again" in printed


@fault(
    HEADING,
    "a host is rebooted in the middle of a run",
    injection="`invoke lab.reboot` while a step runs.",
    outcome="If the host is back within about ten seconds the run connects again, "
    "probes, and finishes (exit 0). If it takes longer the host fails (exit 4), and the "
    "other hosts continue.",
    todo=f"After an exit 4: {AGAIN}",
    estimate_s=30,
)
def rebooted() -> None:
    with fault_host() as host:
        run = host.start(
            [file_step("before"), slow_step("slow", 15), file_step("after")]
        )
        run.wait_for_line(f"applying file {FOLDER}/slow")
        lab.reboot(host.name)
        run.process.wait(60)
        assert run.process.returncode in (0, 4), run.output
        if run.process.returncode == 4:
            host.deploy(STEPS)
        host.assert_files(*NAMES)


@fault(
    HEADING,
    "a command on a host hangs",
    injection="A step whose command ignores SIGTERM, sleeps, and has children that sleep.",
    outcome="It is killed after the step's `timeout_s`, with all of its processes. The "
    "step fails with that reason (exit 2); the file stays as it was. A temporary file "
    "left by a killed command is replaced by the next run.",
    todo=f"Find out why it hangs, or raise `timeout_s`. {AGAIN}",
    estimate_s=15,
)
def hung() -> None:
    command = "trap '' TERM; sleep 4217 & sleep 4218 & wait; sleep 4219"
    step = file_step("hung", first=command)
    step["file"]["timeout_s"] = 3
    with fault_host() as host:
        printed = host.deploy([file_step("before"), step, file_step("after")], code=2)
        left = host.run("pgrep -af 'sleep 421[789]' || true")
        assert not left, f"still running: {left}"
        assert {*host.files()} <= {"before", ".hung.new"}
        host.assert_unlocked()
        host.deploy([file_step("before"), file_step("hung"), file_step("after")])
        host.assert_files("after", "before", "hung")
    assert "did not end within its limit of 3 s and was killed" in printed


def _flood(command: str, *words: str) -> None:
    with fault_host() as host:
        run = host.start([file_step("flood", first=command)], *words)
        most = _peak_bytes(run.process)
        run.expect_exit(0)
        host.assert_files("flood")
    assert most < MAX_BYTES, f"the controller used {most / 1e6:.0f} MB"


def _peak_bytes(process: subprocess.Popen[str]) -> int:
    """Return the peak memory of *process*, sampled until it ends."""
    status, most = Path(f"/proc/{process.pid}/status"), 0
    while process.poll() is None:
        with contextlib.suppress(OSError):
            if found := re.search(r"VmHWM:\s+(\d+) kB", status.read_text()):
                most = max(most, int(found[1]) * 1024)
        time.sleep(0.05)
    return most


@fault(
    HEADING,
    "a step prints 100 MB",
    injection="A step's command prints 100 MB of lines.",
    outcome="The run succeeds (exit 0). The controller keeps at most the last 4 MB; its "
    "memory stays below 150 MB.",
    estimate_s=60,
)
def flood_of_lines() -> None:
    _flood(f"yes '{'y' * 999}' | head -c {OUTPUT_BYTES} >&2")


@fault(
    HEADING,
    "a step prints 100 MB without a line break",
    injection="A step's command prints 100 MB in one line.",
    outcome="As with lines: the run succeeds (exit 0) in bounded memory.",
    estimate_s=40,
)
def flood_of_one_line() -> None:
    _flood(f"head -c {OUTPUT_BYTES} /dev/zero | tr '\\0' y >&2")


FULL_ETC = r"""
size=$(du -sk /etc | cut -f 1)
mkdir -p /run/full && mount -t tmpfs -o size=$((size + 2048))k tmpfs /run/full
cp -a /etc/. /run/full && mount --bind /run/full /etc
dd if=/dev/zero of=/etc/filler bs=4k 2>/dev/null || true
"""
FREE_ETC = "umount -l /etc; umount -l /run/full; rmdir /run/full"


@contextlib.contextmanager
def _full_etc(host: FaultHost) -> Iterator[None]:
    host.run(FULL_ETC)
    try:
        yield
    finally:
        host.run(FREE_ETC)


@fault(
    HEADING,
    "the file system of /etc is full",
    injection="/etc is a file system with no free block while a file there is replaced.",
    outcome='The step fails with "No space left on device" (exit 2). The file keeps its '
    "old content, and no temporary file is left beside it.",
    todo=f"Free some space. {AGAIN}",
    estimate_s=15,
)
def etc_full() -> None:
    old, new = file_step("file", "old" * 3000), file_step("file", "new" * 3000)
    with fault_host() as host:
        host.deploy([old])
        with _full_etc(host):
            printed = host.deploy([new], code=2)
            host.assert_files("file")
            assert host.run(f"cat {FOLDER}/file") == "old" * 3000
            host.run("rm /etc/filler")
            host.deploy([new])
            assert host.run(f"cat {FOLDER}/file") == "new" * 3000
    assert "No space left on device" in printed


@fault(
    HEADING,
    "an SSH server with the default MaxStartups and MaxSessions is busy",
    injection="The lab's own limits are removed from sshd_config; nine logins hang "
    "meanwhile, so that sshd is certain to accept only one more.",
    outcome="The run opens one session on each host and one for the lock, one after the "
    "other: the defaults suffice (exit 0). A login that is refused is tried again.",
    estimate_s=15,
)
def default_limits() -> None:
    limits = "/etc/ssh/sshd_config.d/lab.conf"
    with fault_host() as host, contextlib.ExitStack() as stack:
        host.run(f"mv {limits} {limits}.off; systemctl reload ssh")
        stack.callback(host.run, f"mv {limits}.off {limits}; systemctl reload ssh")
        time.sleep(1)
        for _ in range(9):
            idle = socket.create_connection(("127.0.0.1", host.virtual_host.port), 10)
            stack.enter_context(idle)
            assert idle.recv(4) == b"SSH-"
        host.deploy(STEPS)
        host.assert_files(*NAMES)


UNUSED_ADDRESS = "172.30.77.250"
"""An address in the lab's network that no host has."""


@contextlib.contextmanager
def _without_dns(host: FaultHost, hosts: str = "") -> Iterator[None]:
    """Let no name server answer; write *hosts* to /etc/hosts if it is given."""
    files = {"/etc/resolv.conf": f"nameserver {UNUSED_ADDRESS}", "/etc/hosts": hosts}
    for path, content in files.items():
        if content:
            host.run(f"cp {path} {path}.kept; echo '{content}' >{path}")
    try:
        yield
    finally:
        # Docker mounts these files: they can be written, but not replaced.
        for path, content in files.items():
            if content:
                host.run(f"cat {path}.kept >{path}; rm {path}.kept")


@fault(
    HEADING,
    "no name server answers on a host",
    injection="The host's resolv.conf has only an address where no server answers.",
    outcome="No effect: the run needs no names on the host, and succeeds as fast as "
    "usual (exit 0).",
    estimate_s=8,
)
def host_without_names() -> None:
    with fault_host() as host, _without_dns(host):
        started = time.monotonic()
        host.deploy([file_step("before"), file_step("after")])
        took_s = time.monotonic() - started
        host.assert_files("after", "before")
    assert took_s < 10, f"it took {took_s:.0f} s"


@fault(
    HEADING,
    "no name server answers, and a host cannot resolve its own name",
    injection="As above, and the host's name is not in its /etc/hosts.",
    outcome="Each sudo tries to resolve the host's own name: each round trip takes about "
    "12 s longer. The run succeeds (exit 0).",
    todo="Add the host's name to its /etc/hosts.",
    estimate_s=45,
)
def host_without_its_name() -> None:
    with fault_host() as host, _without_dns(host, hosts="127.0.0.1 localhost"):
        host.deploy([file_step("before")])
        host.assert_files("before")


@fault(
    HEADING,
    "the name of a host does not resolve",
    injection="The inventory has a name that no name server knows.",
    outcome="After three attempts within seconds the host fails (exit 4); the other "
    "hosts continue.",
    todo=f"Correct the name, or set the host's address (`ansible_host`). {AGAIN}",
    estimate_s=10,
)
def unknown_name() -> None:
    with fault_host() as host:
        run = host.start([file_step("before")], address="no-such-host.invalid")
        printed = run.expect_exit(4, 30)
        assert host.files() == []
    assert "no-such-host.invalid" in printed
    assert "next try 3 of 3" in printed
