"""A host in a mount namespace: what it changes of files, users and packages is its own.

Its shell, coreutils, shadow, apt and dpkg are this machine's and real. systemd and Docker
need a kernel's help that a namespace does not have: `systemctl` and `docker` are stand-ins
that keep their state in files.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from support.apt_host import DATABASES, AptHost

PROGRAMS = Path(__file__).with_name("programs")
OWN = ("etc", "home", "opt", "srv", "usr", "var")
"""Folders of which a host has a copy of its own, written when it is changed."""
STAND_INS = (
    ("/usr/bin", "systemctl"),
    ("/usr/sbin", "update-rc.d"),
    ("/usr/local/bin", "docker"),
)
"""Stand-ins for programs of a host: the folder and the name of each."""
SETUP = r"""
set -eu
root=$1
shift
for folder; do
    mkdir -p "$root/$folder" "$root/.$folder"
    mount -t overlay overlay \
        -o "lowerdir=/$folder,upperdir=$root/$folder,workdir=$root/.$folder" "/$folder"
done
mount -t tmpfs tmpfs /run
mkdir -p /run/lock
echo ready
exec sleep 600
"""


def possible() -> bool:
    """True if this machine lets us make such a host."""
    if not all(map(shutil.which, ("unshare", "nsenter", "useradd"))):
        return False
    attempt = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/srv"]
    return not subprocess.run(attempt, capture_output=True, check=False).returncode


class NamespaceHost:
    """A host like this machine, until it is changed; use it as a context.

    Args:
        root: a folder for what it writes.
        has_systemd: False = it has init scripts.
    """

    def __init__(self, root: Path, *, has_systemd: bool = True) -> None:
        self._has_systemd = has_systemd
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", SETUP, "sh", str(root), *OWN],
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> Self:
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"ready\n"
        for folder, program in STAND_INS:
            self._install(program, f"{folder}/{program}")
        # Nothing here takes time to become ready.
        self.run("ln -sf /bin/true /usr/local/bin/sleep")
        # What this machine runs itself is nothing that the host has.
        self.run(
            "rm -rf /var/lib/.provision /etc/docker /etc/systemd/system; "
            "mkdir -p /etc/systemd/system"
        )
        if self._has_systemd:
            self.run("mkdir -p /run/systemd/system")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._holder.stdout is not None
        self._holder.kill()
        self._holder.stdout.close()
        self._holder.wait()

    @property
    def shell(self) -> tuple[str, ...]:
        """The words that start a shell on it."""
        return ("nsenter", f"--mount=/proc/{self._holder.pid}/ns/mnt", "--wd=/", "sh")

    def run(self, script: str) -> str:
        """Run *script* on it, and return what it prints.

        Raises:
            CalledProcessError: it failed.
        """
        done = subprocess.run(
            [*self.shell, "-eu"],
            input=script,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout

    def bring(self, apt: AptHost) -> None:
        """Give it the databases of *apt*, and its repository."""
        for path in DATABASES:
            self.run(f"rm -rf {path}; cp -a {apt.root}{path} {path}")

    def _install(self, program: str, path: str) -> None:
        text = (PROGRAMS / program).read_text().replace("@PYTHON@", sys.executable)
        self.run(f"rm -f {path}; cat >{path} <<'@end'\n{text}@end\nchmod 755 {path}")
