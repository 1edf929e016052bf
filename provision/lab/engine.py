"""The outer Docker engine: the one that runs the virtual hosts.

One that answers already is used; else, as root on Debian or Ubuntu, one is started for
the lab alone, with its own data, socket and no firewall rules.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from provision.errors import LabError
from provision.lab.cleanup import (
    clear_defaults,
    kill_orphans,
    of_process,
    unmount_below,
)
from provision.lab.paths import BRIDGE, NAME, RUN, Layout
from provision.lab.run_command import command

SOCKET = f"unix://{RUN}/docker.sock"
PID_FILE = RUN / "dockerd.pid"
OWNER = RUN / "root"
KEY = Path("/etc/docker/key.json")
"""Docker 20.10 makes it, and cannot be told to make it elsewhere."""
START_S = 60
STOP_S = 30


@dataclass(frozen=True, slots=True)
class Engine:
    """A Docker engine at *address*; the default one when that is empty."""

    address: str

    @property
    def ours(self) -> bool:
        """Whether the lab started it."""
        return self.address == SOCKET

    def docker(self, *argv: str, stdin: bytes = b"", limit_s: float = 120) -> str:
        """What the docker command prints."""
        env = {"DOCKER_HOST": self.address} if self.address else {}
        return command("docker", *argv, stdin=stdin, env=env, limit_s=limit_s).strip()

    def does(self, *argv: str) -> bool:
        """Whether the docker command ends well."""
        try:
            self.docker(*argv)
        except LabError:
            return False
        return True

    def answers(self) -> bool:
        return self.does("version", "--format", "{{.Server.Version}}")


OURS = Engine(SOCKET)


def find(layout: Layout) -> Engine | None:
    """The engine the lab below *layout* runs on, or could run on; None: has to start.

    Raises:
        LabError: a lab of another directory runs on this machine.
    """
    if running_pid():
        refuse_other(layout)
        if OURS.answers():
            return OURS
    if layout.engine_data.exists():
        return None  # the lab has an engine of its own, which does not run
    given = Engine(os.environ.get("DOCKER_HOST", ""))
    if given != OURS and given.answers():
        return given
    return None


def refuse_other(layout: Layout) -> None:
    """Fail when the running engine belongs to a lab in another directory that exists."""
    owner = Path(OWNER.read_text().strip()) if OWNER.exists() else layout.root
    if owner not in (layout.root, layout.root.resolve()) and owner.exists():
        raise LabError(
            f"the lab of {owner} is running, and a machine has room for one",
            hint=f"end it first: cd {owner.parent} && invoke lab.down",
        )


def start(layout: Layout) -> Engine:
    """Start an engine for the lab alone; what a dead one left is cleared away."""
    if os.geteuid():
        raise LabError(
            "no Docker engine answers, and only root can start one",
            hint="run as root, or start Docker",
        )
    stop()
    RUN.mkdir(parents=True, exist_ok=True)
    layout.engine_data.mkdir(parents=True, exist_ok=True)
    OWNER.write_text(f"{layout.root}\n")
    if not KEY.exists():
        layout.made_key.touch()
    with layout.engine_log.open("ab") as log:
        process = subprocess.Popen(
            _command_line(layout),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,  # outlives Ctrl-C and the end of this program
        )
    deadline = time.monotonic() + START_S
    while not OURS.answers():
        if process.poll() is not None or time.monotonic() > deadline:
            stop()
            raise LabError(
                "the Docker engine of the lab does not start",
                hint=f"see the end of {layout.engine_log}",
            )
        time.sleep(0.2)
    process.returncode = 0  # or Popen warns that it still runs, as it shall
    return OURS


def _command_line(layout: Layout) -> list[str]:
    return [
        _dockerd(),
        f"--data-root={layout.engine_data}",
        f"--exec-root={RUN}/exec",
        f"--pidfile={PID_FILE}",
        f"--host={SOCKET}",
        # Where a system containerd runs, dockerd uses that one.
        f"--containerd-namespace={NAME}",
        f"--containerd-plugins-namespace={NAME}-plugins",
        # Groups of its own, which can be told from others' and removed.
        "--exec-opt=native.cgroupdriver=cgroupfs",
        f"--cgroup-parent=/{NAME}",
        # No docker0, no firewall rules, no forwarding: nothing to clean up after, and
        # hosts that reach the lab's network only, whatever the machine can reach.
        "--bridge=none",
        "--iptables=false",
        "--ip6tables=false",
        "--ip-forward=false",
        "--ip-masq=false",
    ]


def _dockerd() -> str:
    found = shutil.which("dockerd") or shutil.which("dockerd", path="/usr/sbin:/sbin")
    if not found:
        raise LabError("dockerd is not installed", hint="install the Docker engine")
    return found


def stop() -> None:
    """End the engine the lab started, if it runs, and remove what it leaves."""
    if pid := running_pid():
        os.kill(pid, signal.SIGTERM)
        if not _gone(pid, STOP_S):
            os.kill(pid, signal.SIGKILL)
            _gone(pid, STOP_S)
    kill_orphans()
    clear_defaults()
    if not RUN.exists():
        return
    unmount_below(RUN)
    shutil.rmtree(RUN)
    if Path("/sys/class/net", BRIDGE).exists():
        command("ip", "link", "delete", BRIDGE)


def running_pid() -> int | None:
    """The process id of the engine the lab started, if it lives."""
    pid = _pid(PID_FILE)
    return pid if pid and _lives(pid) else None


def _pid(file: Path) -> int | None:
    text = file.read_text().strip() if file.exists() else ""
    return int(text) if text.isdigit() else None


def _lives(pid: int) -> bool:
    """Whether *pid* is the lab's engine; the number may have gone to another process."""
    return SOCKET.encode() in of_process(pid, "cmdline")


def _gone(pid: int, limit_s: float) -> bool:
    deadline = time.monotonic() + limit_s
    while _lives(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    _reap(pid)
    return True


def _reap(pid: int) -> None:
    """Take the exit code of *pid* where it is our child; else it stays a zombie."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
