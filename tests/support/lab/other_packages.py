"""Packages that the lab's own repository has not, installed on its hosts as by a person.

The hosts reach no mirror of Debian: this machine downloads what they lack.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from provision import lab
from provision.lab import engine
from provision.lab.paths import NAME, LabPaths
from provision.lab.run_command import run_command

KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
MIRROR = "http://deb.debian.org/debian"
DOWNLOAD_S = 300
INSTALL = r"""
cd /root/packages
# From these files alone; apt puts them in the order in which they need each other.
DEBIAN_FRONTEND=noninteractive apt-get install -q --yes --no-install-recommends \
    ./*.deb >/dev/null
rm -r /root/packages
"""


def install(host: str, *names: str) -> None:
    """Install packages *names* of Debian, and what they need, on *host*.

    Args:
        host: one of the lab's.
        names: of packages that need no others than those that bare hosts have.
    """
    paths = LabPaths.find()
    folder = _downloaded(paths, host, names)
    found = engine.find(paths)
    assert found
    found.docker("cp", f"{folder}/.", f"{NAME}-{host}:/root/packages")
    lab.run(host, "sh", "-euc", INSTALL)


def _downloaded(paths: LabPaths, host: str, names: Sequence[str]) -> Path:
    """Return a folder with the packages that *host* lacks; download them if need be."""
    kept = paths.of_system / "others" / "+".join(names)
    if kept.exists():
        return kept
    work = kept.with_suffix(".part")
    for folder in ("lists/partial", "archives/partial"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    suite = paths.system.suite
    (work / "sources").write_text(f"deb [signed-by={KEYS}] {MIRROR} {suite} main\n")
    (work / "status").write_text(lab.run(host, "cat", "/var/lib/dpkg/status"))
    options = {
        "Dir::Etc::SourceList": work / "sources",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::status": work / "status",
        "Dir::State::Lists": work / "lists",
        "Dir::Cache": work,
        "Dir::Cache::archives": work / "archives",
        "APT::Sandbox::User": "root",
        "Debug::NoLocking": "true",
    }
    words = [
        word for key, value in options.items() for word in ("-o", f"{key}={value}")
    ]
    run_command("apt-get", *words, "-q", "update", limit_s=DOWNLOAD_S)
    run_command(
        *("apt-get", *words, "-q", "--yes", "--download-only"),
        *("--no-install-recommends", "install", *names),
        limit_s=DOWNLOAD_S,
    )
    subprocess.run(["rm", "-rf", work / "archives/partial"], check=True)
    (work / "archives").rename(kept)
    return kept
