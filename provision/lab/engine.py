"""The outer Docker engine: the one that runs the virtual hosts.

A running engine is used if there is one; else, as root on Debian or Ubuntu, one is
started for the lab alone, with its own data and socket and without firewall rules.
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
    kill_orphans,
    read_proc,
    remove_shared_folders,
    unmount_below,
)
from provision.lab.paths import BRIDGE, NAME, RUN, SECOND_BRIDGE, LabPaths
from provision.lab.run_command import run_command

SOCKET = f"unix://{RUN}/docker.sock"
PID_FILE = RUN / "dockerd.pid"
OWNER_FILE = RUN / "root"
ENGINE_KEY = Path("/etc/docker/key.json")
"""Created by Docker 20.10, which has no option for another path."""
START_S = 60
STOP_S = 30


@dataclass(frozen=True, slots=True)
class Engine:
    """A Docker engine at *address*; the default engine when that is empty."""

    address: str

    @property
    def is_lab_engine(self) -> bool:
        """True for the engine that the lab started."""
        return self.address == SOCKET

    def docker(self, *argv: str, stdin: bytes = b"", limit_s: float = 120) -> str:
        """Run a docker command; return what it prints."""
        env = {"DOCKER_HOST": self.address} if self.address else {}
        return run_command(
            "docker", *argv, stdin=stdin, env=env, limit_s=limit_s
        ).strip()

    def succeeds(self, *argv: str) -> bool:
        """Return True if the docker command ends with exit code 0."""
        try:
            self.docker(*argv)
        except LabError:
            return False
        return True

    def answers(self) -> bool:
        return self.succeeds("version", "--format", "{{.Server.Version}}")


LAB_ENGINE = Engine(SOCKET)


def find(paths: LabPaths) -> Engine | None:
    """Return the engine that the lab uses or can use; None if one must be started.

    Raises:
        LabError: a lab of another directory runs on this machine.
    """
    if running_pid():
        refuse_other_lab(paths)
        if LAB_ENGINE.answers():
            return LAB_ENGINE
    if paths.engine_data.exists():
        return None  # the lab has its own engine, which is not running
    given = Engine(os.environ.get("DOCKER_HOST", ""))
    if given != LAB_ENGINE and given.answers():
        return given
    return None


def refuse_other_lab(paths: LabPaths) -> None:
    """Raise LabError if the running engine belongs to the lab of another directory."""
    owner = Path(OWNER_FILE.read_text().strip()) if OWNER_FILE.exists() else paths.root
    if owner not in (paths.root, paths.root.resolve()) and owner.exists():
        raise LabError(
            f"the lab {owner} is running, and a machine can run only one",
            hint=f"remove it first: cd {owner.parent} && invoke lab.down",
        )


def start(paths: LabPaths) -> Engine:
    """Start an engine for the lab alone; remove what an earlier one left behind."""
    if os.geteuid():
        raise LabError(
            "no Docker engine is running, and only root can start one",
            hint="run as root, or start Docker first",
        )
    stop()
    RUN.mkdir(parents=True, exist_ok=True)
    paths.engine_data.mkdir(parents=True, exist_ok=True)
    OWNER_FILE.write_text(f"{paths.root}\n")
    if not ENGINE_KEY.exists():
        paths.created_key.touch()
    with paths.engine_log.open("ab") as log:
        process = subprocess.Popen(
            _command_line(paths),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,  # outlives Ctrl-C and the end of this program
        )
    deadline = time.monotonic() + START_S
    while not LAB_ENGINE.answers():
        if process.poll() is not None or time.monotonic() > deadline:
            stop()
            raise LabError(
                "the Docker engine of the lab did not start",
                hint=f"read the end of {paths.engine_log}",
            )
        time.sleep(0.2)
    process.returncode = 0  # it keeps running on purpose: no warning
    return LAB_ENGINE


def _command_line(paths: LabPaths) -> list[str]:
    return [
        _dockerd(),
        f"--data-root={paths.engine_data}",
        f"--exec-root={RUN}/exec",
        f"--pidfile={PID_FILE}",
        f"--host={SOCKET}",
        # dockerd uses a containerd of the system if one is running.
        f"--containerd-namespace={NAME}",
        f"--containerd-plugins-namespace={NAME}-plugins",
        # Own control groups, which can be recognised and removed.
        "--exec-opt=native.cgroupdriver=cgroupfs",
        f"--cgroup-parent=/{NAME}",
        # No docker0, no firewall rules, no forwarding: nothing to clean up, and hosts
        # reach only the lab's network, whatever this machine can reach.
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
    """Stop the engine that the lab started, and remove what it leaves behind."""
    if pid := running_pid():
        os.kill(pid, signal.SIGTERM)
        if not _wait_for_end(pid, STOP_S):
            os.kill(pid, signal.SIGKILL)
            _wait_for_end(pid, STOP_S)
    kill_orphans()
    remove_shared_folders()
    if not RUN.exists():
        return
    unmount_below(RUN)
    shutil.rmtree(RUN)
    for bridge in (BRIDGE, SECOND_BRIDGE):
        if Path("/sys/class/net", bridge).exists():
            run_command("ip", "link", "delete", bridge)


def running_pid() -> int | None:
    """Return the process id of the engine that the lab started, if it is running."""
    pid = _pid(PID_FILE)
    return pid if pid and _is_running(pid) else None


def _pid(file: Path) -> int | None:
    text = file.read_text().strip() if file.exists() else ""
    return int(text) if text.isdigit() else None


def _is_running(pid: int) -> bool:
    """Return True if *pid* is the lab's engine and not another process by now."""
    return SOCKET.encode() in read_proc(pid, "cmdline")


def _wait_for_end(pid: int, limit_s: float) -> bool:
    deadline = time.monotonic() + limit_s
    while _is_running(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    _reap(pid)
    return True


def _reap(pid: int) -> None:
    """Collect the exit code of *pid* if it is a child, which else stays a zombie."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
