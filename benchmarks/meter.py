"""Cost of a program: wall and CPU seconds, and memory, of all its processes.

In control groups where they can be made (version 1 or 2, as root), which see daemons
that leave their parent too; elsewhere from what the kernel keeps for a parent.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parents[1]
"""The repository."""
ROOT = Path("/sys/fs/cgroup")
SAMPLE_S = 0.05
TICKS = os.sysconf("SC_CLK_TCK")
MIB = 2**20
# The shell puts itself into the group before it becomes the program.
ENTER = 'for f in $BENCH_GROUPS; do echo $$ >"$f/cgroup.procs"; done; exec "$@"'


class Group:
    """A control group, or where there is none a process and those it has waited for."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = folders
        self.root = 0

    @classmethod
    @contextlib.contextmanager
    def new(cls, name: str) -> Iterator[Group]:
        """One for the time of the context."""
        made = {}
        for kind, folder in _places(f"provision-bench-{os.getpid()}-{name}").items():
            with contextlib.suppress(OSError):
                folder.mkdir(exist_ok=True)
                made[kind] = folder
        try:
            yield cls(made)
        finally:
            for folder in set(made.values()):
                _remove(folder)

    @property
    def real(self) -> bool:
        """Return True if it is a control group."""
        return "cpu" in self._folders

    def within(self, argv: Sequence[str]) -> list[str]:
        """The command that runs *argv* in it."""
        if not self._folders:
            return list(argv)
        folders = " ".join(map(str, set(self._folders.values())))
        return ["env", f"BENCH_GROUPS={folders}", "sh", "-c", ENTER, "sh", *argv]

    def cpu_s(self) -> float:
        """CPU seconds its processes have used so far."""
        if not self.real:
            return _family_s(self.root)
        folder = self._folders["cpu"]
        usage = folder / "cpuacct.usage"
        if usage.exists():
            return int(usage.read_text()) / 1e9
        return _field(folder / "cpu.stat", "usage_usec") / 1e6

    def memory(self) -> int:
        """Bytes of memory that are theirs and no file's; 0 = cannot tell."""
        if not (folder := self._folders.get("memory")):
            return 0
        with contextlib.suppress(OSError):
            stat = folder / "memory.stat"
            return int(_field(stat, "total_rss") or _field(stat, "anon"))
        return 0

    def pids(self) -> list[int]:
        """Its processes."""
        if not self.real:
            return []
        return [
            int(p) for p in (self._folders["cpu"] / "cgroup.procs").read_text().split()
        ]


def _places(name: str) -> dict[str, Path]:
    if (ROOT / "cgroup.controllers").exists():
        return dict.fromkeys(("cpu", "memory"), ROOT / name)
    return {"cpu": ROOT / "cpuacct" / name, "memory": ROOT / "memory" / name}


def _remove(folder: Path) -> None:
    """Remove a group; what is still in it, such as a master of ssh's, is ended."""
    for attempt in range(50):
        with contextlib.suppress(OSError):
            if attempt:
                for pid in (folder / "cgroup.procs").read_text().split():
                    os.kill(int(pid), 15 if attempt < 25 else 9)
            folder.rmdir()
            return
        time.sleep(0.05)


def _field(path: Path, name: str) -> float:
    for line in path.read_text().splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return float(value)
    return 0.0


def _family_s(pid: int) -> float:
    """CPU seconds of a process and of the children it has waited for."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / TICKS
    return 0.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Cost of one run.

    Attributes:
        wall_s: from before its start to its end.
        cpu_s: of the program and all it started.
        peak_mib: most memory at a time, files not counted.
        code: its exit code.
        output: what it printed.
    """

    wall_s: float
    cpu_s: float
    peak_mib: float
    code: int
    output: str


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    limit_s: float = 900,
) -> Cost:
    """Run *argv* to its end, and what it leaves behind to its; the cost."""
    with Group.new("client") as group, tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            group.within(argv), cwd=cwd, env=env, stdout=output, stderr=output
        )
        peak = _Peak(group)
        killer = threading.Timer(limit_s, process.kill)
        killer.start()
        # Not Popen.wait: it does not give the usage, and with a limit it polls.
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - started
        killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        # Masters of ssh that are left use nothing more until they end.
        cpu_s = group.cpu_s() if group.real else usage.ru_utime + usage.ru_stime
        most = peak.stop() or usage.ru_maxrss * 1024
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    return Cost(wall_s, cpu_s, most / MIB, process.returncode, text)


class _Peak:
    """Samples a group's memory in a thread."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._over = threading.Event()
        self._most = 0
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_S):
            self._most = max(self._most, self._group.memory())

    def stop(self) -> int:
        self._over.set()
        self._thread.join()
        return self._most
