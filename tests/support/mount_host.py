"""A mount namespace with /etc and /var/lib of its own, in which mounts are real."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from provision.model.shell import Reply, Sh

OWN = r"""
set -eu
for folder in etc var/lib srv; do
    mkdir -p "$1/$folder" "$1/.work/$folder"
done
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/etc,workdir=$1/.work/etc" /etc
mount --bind "$1/var/lib" /var/lib
mount --bind "$1/srv" /srv
: >/etc/fstab
"""
Run = Callable[..., Reply]


def possible() -> bool:
    """Return whether this machine lets us have one."""
    if not shutil.which("unshare"):
        return False
    attempt = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/srv"]
    return not subprocess.run(attempt, capture_output=True, check=False).returncode


@pytest.fixture
def host(tmp_path: Path) -> Run:
    """Return a function that runs fragments one after another in one namespace.

    Text between fragments is run as it is; the reply is that of the last fragment.
    """
    if not possible():
        pytest.skip("needs root and mount namespaces")
    root = tmp_path / "host"
    root.mkdir()
    # An overlay's upper folder must not lie on another overlay.
    own = f"mount -t tmpfs tmpfs {root}\n{OWN}"

    def run(*parts: Sh | str, limit_s: float = 60) -> Reply:
        texts = [part if isinstance(part, str) else part.render() for part in parts]
        before = "\n".join(f"(set -eu\n{text}\n) >&2 || exit 99" for text in texts[:-1])
        script = f"({own})\n{before}\n(set -eu\n{texts[-1]}\n)\n"
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-s", str(root)],
            input=script,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
        return Reply(done.stdout, done.stderr, done.returncode)

    return run
