"""OpenSSH 10 of Debian 13, beside the older one of the machine that runs the tests.

Its packages and the libraries they need are downloaded by apt, from the mirror that the
machine uses itself, and unpacked into a cache; nothing is installed. Its programs run
with their own libraries, and with the machine's users and PAM.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from provision.file_lock import folder_lock

SUITE = "trixie"
APT = Path("/etc/apt")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
FOLDER = CACHE / "provision-tests" / "openssh-10-with-client"
PROGRAMS = {
    "ssh": "usr/bin/ssh",
    "sshd": "usr/sbin/sshd",
    "sshd-session": "usr/lib/openssh/sshd-session",
    "sshd-auth": "usr/lib/openssh/sshd-auth",
}
NEEDED = re.compile(r"^(lib|openssh-(server|client)_|zlib1g_)")
"""Packages to unpack: server, client and libraries; apt also names scripts around them."""
WRAPPER = """#!/bin/sh
exec {loader} --library-path {libraries} --argv0 "$0" {program} "$@"
"""


@dataclass(frozen=True)
class OpenSsh:
    """The programs of OpenSSH, in the folder *programs*."""

    programs: Path

    @property
    def sshd(self) -> Path:
        return self.programs / "sshd"

    @property
    def config(self) -> str:
        """Lines of sshd_config that make it run its own programs."""
        return (
            f"SshdSessionPath {self.programs / 'sshd-session'}\n"
            f"SshdAuthPath {self.programs / 'sshd-auth'}\n"
        )


def openssh_10() -> OpenSsh:
    """Return OpenSSH 10; download it if the cache does not have it.

    Raises:
        LookupError: the machine's apt names no mirror of Debian.
        subprocess.CalledProcessError: apt failed.
    """
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    with folder_lock(FOLDER.parent):
        if not FOLDER.exists():
            work = Path(tempfile.mkdtemp(dir=FOLDER.parent))
            try:
                _unpack(_download(work), work / "root")
                shutil.move(work / "root", FOLDER)
            finally:
                shutil.rmtree(work)
        return OpenSsh(_wrapped(FOLDER))


def _download(work: Path) -> list[Path]:
    """Download the server and all that it needs, as for a machine that has nothing."""
    (work / "source.list").write_text(f"{_source()}\n")
    (work / "status").touch()
    for name in ("lists/partial", "cache/archives/partial", "none"):
        (work / name).mkdir(parents=True)
    options = {
        "Dir::Etc::SourceList": work / "source.list",
        "Dir::Etc::SourceParts": work / "none",
        "Dir::State::Lists": work / "lists",
        "Dir::State::status": work / "status",
        "Dir::Cache": work / "cache",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in options.items())]
    subprocess.run([*apt, "update"], check=True)
    subprocess.run(
        [*apt, "--download-only", "-y", "install", "openssh-server"], check=True
    )
    return sorted((work / "cache/archives").glob("*.deb"))


def _unpack(packages: list[Path], root: Path) -> None:
    root.mkdir()
    for package in packages:
        if NEEDED.match(package.name):
            subprocess.run(["dpkg-deb", "-x", package, root], check=True)


def _wrapped(root: Path) -> Path:
    """Return a folder with scripts that run its programs with its own libraries."""
    folder = root / "wrapped"
    folder.mkdir(exist_ok=True)
    loader = next(root.glob("usr/lib*/ld-linux*"))
    libraries = next(root.glob("usr/lib/*-linux-gnu"))
    for name, program in PROGRAMS.items():
        script = folder / name
        script.write_text(
            WRAPPER.format(loader=loader, libraries=libraries, program=root / program)
        )
        script.chmod(0o755)
    return folder


def _source() -> str:
    """Return a line for apt: this machine's own mirror, with the newer suite."""
    release = dict(
        line.split("=", 1)
        for line in Path("/etc/os-release").read_text().split("\n")
        if line
    )
    codename = release.get("VERSION_CODENAME", "").strip('"')
    for uri, options in _mirrors(codename):
        return f"deb {options} {uri} {SUITE} main".replace("  ", " ")
    raise LookupError(f"apt has no source for {codename} on this machine")


def _mirrors(codename: str) -> Iterator[tuple[str, str]]:
    """Yield address and options of the sources of *codename*, in both formats of apt."""
    for file in [
        APT / "sources.list",
        *sorted((APT / "sources.list.d").glob("*.list")),
    ]:
        text = file.read_text() if file.exists() else ""
        for found in re.finditer(
            rf"^deb\s+(\[.*?\])?\s*(\S+)\s+{codename}\s", text, re.M
        ):
            yield found[2], found[1] or ""
    for file in sorted((APT / "sources.list.d").glob("*.sources")):
        for stanza in file.read_text().split("\n\n"):
            fields = dict(re.findall(r"^([\w-]+):[ \t]*(.+)$", stanza, re.M))
            if codename in fields.get("Suites", "").split():
                key = fields.get("Signed-By", "")
                yield fields["URIs"].split()[0], f"[signed-by={key}]" if key else ""
