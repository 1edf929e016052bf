"""A farm: hundreds of addresses on loopback, all of them one sshd of the benchmark's own.

Every address is a host to whoever connects. They share this machine's file system, so
what the playbooks ask for lies in the farm's folder and is there already. Nothing is
installed: sshd's own configuration gives sessions a PATH with a stub `docker`, and a
home of their own (the user's dotfiles cost more than all probes).
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.farm.hosts import Goods
from benchmarks.meter import Group

SSHD = "/usr/sbin/sshd"
MAX_STARTUPS = 1000
DEFAULT_STARTUPS = "10:30:100"
"""OpenSSH's default: with 10 logins under way, 30 % of new connections are dropped."""
ANY = "0.0.0.0"
"""Address of a proxy that stands before every address of the farm."""

OWN = "/mnt"
"""A folder that every Debian has, where each of several farms may have one of its own."""

# A listening address each would be too many for sshd (16), so it listens on all and
# serves loopback only.
CONFIG = """
Port {port}
ListenAddress 0.0.0.0
AllowUsers {user}@127.*
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
MaxStartups {startups}
MaxSessions 10
PrintMotd no
UseDNS no
LogLevel VERBOSE
Subsystem sftp internal-sftp
SetEnv PATH={folder}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME={folder}/home
"""
NEWER = ("PerSourcePenalties no",)
"""Words that older versions of sshd refuse."""


@dataclass(frozen=True)
class Farm:
    """A running farm.

    Attributes:
        folder: its keys, logs and everything its hosts have.
        port: where sshd listens, on every address.
        user: who logs in.
        goods: what is on its hosts.
        group: the processes of sshd and its sessions.
    """

    folder: Path
    port: int
    user: str
    goods: Goods
    group: Group

    @property
    def key(self) -> Path:
        """The private key that may log in."""
        return self.folder / "id_ed25519"

    @property
    def host_key(self) -> str:
        """The hosts' public key, as `TYPE BASE64`."""
        return " ".join((self.folder / "host_key.pub").read_text().split()[:2])

    def known_hosts(self, count: int, port: int | None = None) -> Path:
        """A file with the key of the first *count* hosts."""
        path = self.folder / f"known_hosts.{count}.{port or self.port}"
        where = port or self.port
        lines = [f"[{name}]:{where} {self.host_key}\n" for name in addresses(count)]
        path.write_text("".join(lines))
        return path

    def sessions(self) -> int:
        """Return the number of commands and subsystems its hosts have started so far."""
        return (self.folder / "sshd.log").read_text().count("Starting session:")

    def dropped(self) -> int:
        """Return the number of connections that sshd refused because of MaxStartups."""
        return (self.folder / "sshd.log").read_text().count("past MaxStartups")


def addresses(count: int) -> list[str]:
    """The first *count* addresses, from 127.77.0.1 on."""
    return [f"127.77.{n // 250}.{n % 250 + 1}" for n in range(count)]


@contextlib.contextmanager
def farm(
    *, startups: str = str(MAX_STARTUPS), name: str = "hosts", has_own: bool = False
) -> Iterator[Farm]:
    """A farm for the time of the context; afterwards nothing of it is left.

    Args:
        startups: sshd's MaxStartups.
        name: of its control group.
        has_own: its hosts see a folder of the farm as OWN; needs root.
    """
    # `kill` is to leave nothing behind, either.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="provision-farm-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        _keys(folder)
        goods = Goods.make(folder)
        user = pwd.getpwuid(os.geteuid()).pw_name
        port = free_port()
        config = _config(folder, port, user, startups)
        apart = _apart(folder / "own") if has_own else []
        group = stack.enter_context(Group.new(name))
        with (folder / "sshd.log").open("wb") as log:
            process = subprocess.Popen(
                group.within([*apart, SSHD, "-D", "-e", "-f", str(config)]),
                stderr=log,
                start_new_session=True,
            )
        stack.callback(_stop, process)
        group.root = process.pid
        _wait_for(port, process, folder / "sshd.log")
        yield Farm(folder, port, user, goods, group)


def _apart(folder: Path) -> list[str]:
    """Return the words before a program that sees *folder* as OWN, and nobody else."""
    folder.mkdir()
    script = f'mount --bind "$1" {OWN} && shift && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh", str(folder)]


def _keys(folder: Path) -> None:
    for name in ("host_key", "id_ed25519"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f"]
        subprocess.run([*command, str(folder / name)], check=True)
    shutil.copy(folder / "id_ed25519.pub", folder / "authorized_keys")
    (folder / "home").mkdir()


def _config(folder: Path, port: int, user: str, startups: str) -> Path:
    """The configuration, with those newer words that this sshd knows."""
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    path = folder / "sshd_config"
    text = CONFIG.format(folder=folder, port=port, user=user, startups=startups)
    for line in NEWER:
        path.write_text(f"{text}{line}\n")
        test = [SSHD, "-t", "-f", str(path)]
        if subprocess.run(test, check=False, capture_output=True).returncode == 0:
            text += f"{line}\n"
    path.write_text(text)
    return path


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.77.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.77.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit(f"the farm's sshd did not start:\n{log.read_text()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End sshd and the sessions that are left, which have its session id or ours."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    with contextlib.suppress(OSError):
        for pid in children.read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGTERM)
    process.terminate()
    process.wait(10)
