"""Removal of what a killed engine leaves: processes, mounts and control groups."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from provision.lab.paths import NAME
from provision.lab.run_command import run_command

CGROUPS = Path("/sys/fs/cgroup")
SHIM_SOCKETS = Path("/run/containerd/s")
SHARED_FOLDERS = (
    # Created by every engine, wherever it keeps its other files.
    *(SHIM_SOCKETS, SHIM_SOCKETS.parent),
    *(Path("/run/docker/plugins"), Path("/run/docker")),
)
EMPTY_S = 10


def read_proc(pid: int, file: str) -> bytes:
    """Return a file of /proc about *pid*; empty if there is no such process."""
    try:
        return Path(f"/proc/{pid}/{file}").read_bytes()
    except OSError:
        return b""


def kill_orphans() -> None:
    """Kill the processes of the lab's containers, and remove their control groups.

    A container cannot be started again in a control group that has groups below it, and
    every booted host creates such groups.
    """
    for pid in _orphans():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + EMPTY_S
    while (_orphans() or not _remove_groups()) and time.monotonic() < deadline:
        time.sleep(0.1)  # killed processes take a moment to end


def _orphans() -> list[int]:
    """Return the hosts' first processes and their containerd shims.

    Shims are recognised by the lab's containerd namespace, the others by their parent.
    """
    mark = f"-namespace\0{NAME}\0".encode()
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    shims = {pid for pid in pids if mark in read_proc(pid, "cmdline")}
    return [pid for pid in pids if pid in shims or _parent(pid) in shims]


def _parent(pid: int) -> int:
    # The program name before it, in brackets, may contain spaces and brackets.
    fields = read_proc(pid, "stat").rpartition(b")")[2].split()
    return int(fields[1]) if fields else 0


def _remove_groups() -> bool:
    """Remove the lab's control groups; return True if none is left."""
    tops = [*CGROUPS.glob(NAME), *CGROUPS.glob(f"*/{NAME}")]
    for top in tops:
        for folder, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()
    return not any(top.exists() for top in tops)


def remove_shared_folders() -> None:
    """Remove the sockets and folders that every engine creates, unless in use."""
    open_sockets = Path("/proc/net/unix").read_text()
    for socket in SHIM_SOCKETS.glob("*"):
        if str(socket) not in open_sockets:
            socket.unlink(missing_ok=True)
    for folder in SHARED_FOLDERS:
        with contextlib.suppress(OSError):
            folder.rmdir()


def unmount_below(folder: Path) -> None:
    """Unmount everything that is mounted below *folder*."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    paths = [line.split()[1] for line in lines]
    for path in reversed(paths):
        if Path(path).is_relative_to(folder):
            run_command("umount", "--lazy", path)
