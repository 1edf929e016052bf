"""What an engine leaves when it was killed: processes, mounts and control groups."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from provision.lab.paths import NAME
from provision.lab.run_command import command

CGROUPS = Path("/sys/fs/cgroup")
KEEPER_SOCKETS = Path("/run/containerd/s")
DEFAULT_FOLDERS = (
    # Engines make these wherever they are told to keep their files.
    *(KEEPER_SOCKETS, KEEPER_SOCKETS.parent),
    *(Path("/run/docker/plugins"), Path("/run/docker")),
)
EMPTY_S = 10


def of_process(pid: int, file: str) -> bytes:
    """A file of /proc about *pid*; nothing when there is no such process."""
    try:
        return Path(f"/proc/{pid}/{file}").read_bytes()
    except OSError:
        return b""


def kill_orphans() -> None:
    """Kill what the lab's containers run, and remove their control groups.

    In a control group that has groups below it, as every booted host makes them, the
    same container cannot be started again.
    """
    for pid in _orphans():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + EMPTY_S
    while (_orphans() or not _remove_groups()) and time.monotonic() < deadline:
        time.sleep(0.1)  # the killed are not gone yet


def _orphans() -> list[int]:
    """The hosts' first processes, and the keepers that containerd gave them.

    The keepers are known by the lab's containerd namespace, the rest by its parent.
    """
    mark = f"-namespace\0{NAME}\0".encode()
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    keepers = {pid for pid in pids if mark in of_process(pid, "cmdline")}
    return [pid for pid in pids if pid in keepers or _parent(pid) in keepers]


def _parent(pid: int) -> int:
    # The name before it, in brackets, may have spaces and brackets of its own.
    fields = of_process(pid, "stat").rpartition(b")")[2].split()
    return int(fields[1]) if fields else 0


def _remove_groups() -> bool:
    """Remove the lab's control groups; whether all are gone."""
    tops = [*CGROUPS.glob(NAME), *CGROUPS.glob(f"*/{NAME}")]
    for top in tops:
        for folder, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()
    return not any(top.exists() for top in tops)


def clear_defaults() -> None:
    """Remove what engines leave where all of them do, if no other one needs it."""
    heard = Path("/proc/net/unix").read_text()
    for socket in KEEPER_SOCKETS.glob("*"):
        if str(socket) not in heard:
            socket.unlink(missing_ok=True)
    for folder in DEFAULT_FOLDERS:
        with contextlib.suppress(OSError):
            folder.rmdir()


def unmount_below(folder: Path) -> None:
    """Unmount all that is mounted in *folder*."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    paths = [line.split()[1] for line in lines]
    for path in reversed(paths):
        if Path(path).is_relative_to(folder):
            command("umount", "--lazy", path)
