"""One host misbehaves: sshd, reboot, full disks, DNS, the clock, commands that hang."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from faults.fault import AGAIN, fault
from faults.fault_host import FOLDER, Scene, scene, slow, text, wait_until
from provision import lab

PART = "a host misbehaves"
STEPS = [text("before"), slow("slow"), text("after")]
NAMES = ("after", "before", "slow")
OUTPUT_BYTES = 100_000_000
MOST_BYTES = 150_000_000
"""What the controller may use at most: its programs, and a bounded part of a flood."""
SESSIONS = "ps -eo pid=,args= | awk '/sshd: admin/ && !/awk/ {print $1}'"


@fault(
    PART,
    "the SSH server of a host is restarted in the middle of a run",
    done="`systemctl restart ssh` while a step runs.",
    outcome="Nothing is noticed: a connection that is up outlives its sshd (exit 0).",
    about_s=12,
)
def sshd_restarted() -> None:
    with scene() as at:
        run = at.start(STEPS)
        run.see(f"applying file {FOLDER}/slow")
        at.on("systemctl restart ssh")
        said = run.ended(0)
        at.is_whole(*NAMES)
    assert "connection lost" not in said


@fault(
    PART,
    "every SSH session of a host is killed in the middle of a run",
    done="SIGKILL to the sshd processes of the run while a step runs.",
    outcome="What ran there is killed with its session. The run connects again, looks, "
    "and does what is still missing (exit 0).",
    about_s=20,
)
def sessions_killed() -> None:
    with scene() as at:
        run = at.start(STEPS)
        run.see(f"applying file {FOLDER}/slow")
        wait_until(lambda: at.notes() == ["slow"], 10, "the step runs")
        at.on(f"kill -9 $({SESSIONS})")
        said = run.ended(0)
        at.is_whole(*NAMES)
        assert at.notes() == ["slow", "slow"], "killed, and then done as a whole"
    assert "connection lost (1 of 3), probing again" in said


@fault(
    PART,
    "a host is rebooted in the middle of a run",
    done="`invoke lab.reboot` while a step runs.",
    outcome="Where the host is back within some ten seconds the run connects again, "
    "looks, and finishes (exit 0). One that takes longer is given up (exit 4), and the "
    "others are worked on.",
    todo=f"After an exit 4: {AGAIN}",
    about_s=30,
)
def rebooted() -> None:
    with scene() as at:
        run = at.start([text("before"), slow("slow", 15), text("after")])
        run.see(f"applying file {FOLDER}/slow")
        lab.reboot(at.host)
        run.process.wait(60)
        assert run.process.returncode in (0, 4), run.output
        if run.process.returncode == 4:
            at.deploy(STEPS)
        at.is_whole(*NAMES)


@fault(
    PART,
    "a command on a host hangs",
    done="A step whose command ignores SIGTERM, sleeps, and has children that sleep.",
    outcome="It is killed at the step's `timeout_s`, with all it has started. The step "
    "fails and says so (exit 2); what was there before stays. A temporary file that a "
    "killed command leaves is replaced by the next run.",
    todo=f"See why it hangs, or raise `timeout_s`. {AGAIN}",
    about_s=15,
)
def hung() -> None:
    command = "trap '' TERM; sleep 4217 & sleep 4218 & wait; sleep 4219"
    step = text("hung", first=command)
    step["file"]["timeout_s"] = 3
    with scene() as at:
        said = at.deploy([text("before"), step, text("after")], code=2)
        left = at.on("pgrep -af 'sleep 421[789]' || true")
        assert not left, f"still running: {left}"
        assert {*at.files()} <= {"before", ".hung.new"}
        at.unlocked()
        at.deploy([text("before"), text("hung"), text("after")])
        at.is_whole("after", "before", "hung")
    assert "did not end within its limit of 3 s and was killed" in said


def _flood(command: str, *words: str) -> None:
    with scene() as at:
        run = at.start([text("flood", first=command)], *words)
        most = _peak_bytes(run.process)
        run.ended(0)
        at.is_whole("flood")
    assert most < MOST_BYTES, f"the controller used {most / 1e6:.0f} MB"


def _peak_bytes(process: subprocess.Popen[str]) -> int:
    """The most memory that *process* used, seen until it ends."""
    status, most = Path(f"/proc/{process.pid}/status"), 0
    while process.poll() is None:
        with contextlib.suppress(OSError):
            if found := re.search(r"VmHWM:\s+(\d+) kB", status.read_text()):
                most = max(most, int(found[1]) * 1024)
        time.sleep(0.05)
    return most


@fault(
    PART,
    "a step prints 100 MB",
    done="A step's command prints 100 MB of lines.",
    outcome="The run goes on (exit 0). The controller keeps the last 4 MB at most; "
    "its memory stays below 150 MB.",
    about_s=60,
)
def flood_of_lines() -> None:
    _flood(f"yes '{'y' * 999}' | head -c {OUTPUT_BYTES} >&2")


@fault(
    PART,
    "a step prints 100 MB without a line break",
    done="A step's command prints 100 MB in one line.",
    outcome="As with lines: the run goes on (exit 0) in bounded memory.",
    about_s=40,
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
def _full_etc(at: Scene) -> Iterator[None]:
    at.on(FULL_ETC)
    try:
        yield
    finally:
        at.on(FREE_ETC)


@fault(
    PART,
    "the file system of /etc is full",
    done="/etc is a file system with no free block while a file there is replaced.",
    outcome="The step fails and says that no space is left (exit 2). The file is as it "
    "was, whole, and nothing unfinished lies beside it.",
    todo=f"Free some space. {AGAIN}",
    about_s=15,
)
def etc_full() -> None:
    old, new = text("file", "old" * 3000), text("file", "new" * 3000)
    with scene() as at:
        at.deploy([old])
        with _full_etc(at):
            said = at.deploy([new], code=2)
            at.is_whole("file")
            assert at.on(f"cat {FOLDER}/file") == "old" * 3000
            at.on("rm /etc/filler")
            at.deploy([new])
            assert at.on(f"cat {FOLDER}/file") == "new" * 3000
    assert "No space left on device" in said


@fault(
    PART,
    "an SSH server has its default MaxStartups and MaxSessions, and is busy",
    done="The lab's own limits are taken out of sshd_config; nine logins hang meanwhile, "
    "so that one more is all that sshd takes for sure.",
    outcome="The run uses one session on each host and one for the lock, one after the "
    "other: the defaults suffice (exit 0). Where a login is turned away it tries again.",
    about_s=15,
)
def default_limits() -> None:
    limits = "/etc/ssh/sshd_config.d/lab.conf"
    with scene() as at, contextlib.ExitStack() as stack:
        at.on(f"mv {limits} {limits}.off; systemctl reload ssh")
        stack.callback(at.on, f"mv {limits}.off {limits}; systemctl reload ssh")
        time.sleep(1)
        for _ in range(9):
            idle = socket.create_connection(("127.0.0.1", at.node.port), 10)
            stack.enter_context(idle)
            assert idle.recv(4) == b"SSH-"
        at.deploy(STEPS)
        at.is_whole(*NAMES)


DEAF = "172.30.77.250"
"""An address of the lab's network that nobody has."""


@contextlib.contextmanager
def _nameless(at: Scene, hosts: str = "") -> Iterator[None]:
    """No name server answers; /etc/hosts has only *hosts*, if anything is given."""
    files = {"/etc/resolv.conf": f"nameserver {DEAF}", "/etc/hosts": hosts}
    for path, content in files.items():
        if content:
            at.on(f"cp {path} {path}.kept; echo '{content}' >{path}")
    try:
        yield
    finally:
        # Docker has them mounted: they can be written to, not replaced.
        for path, content in files.items():
            if content:
                at.on(f"cat {path}.kept >{path}; rm {path}.kept")


@fault(
    PART,
    "no name server answers on a host",
    done="The host has a resolv.conf that names a server which is not there.",
    outcome="Nothing depends on names: the run ends well (exit 0), as soon as ever.",
    about_s=8,
)
def host_without_names() -> None:
    with scene() as at, _nameless(at):
        started = time.monotonic()
        at.deploy([text("before"), text("after")])
        took_s = time.monotonic() - started
        at.is_whole("after", "before")
    assert took_s < 10, f"it took {took_s:.0f} s"


@fault(
    PART,
    "no name server answers, and a host does not know its own name",
    done="The same, and the host's name is not in its /etc/hosts.",
    outcome="Each sudo asks for the host's own name and waits for an answer: each "
    "round trip takes some 12 s longer. The run ends well (exit 0).",
    todo="Put the host's name into its /etc/hosts.",
    about_s=45,
)
def host_without_its_name() -> None:
    with scene() as at, _nameless(at, hosts="127.0.0.1 localhost"):
        at.deploy([text("before")])
        at.is_whole("before")


@fault(
    PART,
    "the name of a host does not resolve",
    done="The inventory has a name that no name server knows.",
    outcome="It is tried three times, soon after one another; then the host is given up "
    "(exit 4), and the others are worked on.",
    todo=f"See to the name, or give the host an address (`ansible_host`). {AGAIN}",
    about_s=10,
)
def unknown_name() -> None:
    with scene() as at:
        run = at.start([text("before")], name="no-such-host.invalid")
        said = run.ended(4, 30)
        assert at.files() == []
    assert "no-such-host.invalid" in said
    assert "(try 3 of 3)" in said
