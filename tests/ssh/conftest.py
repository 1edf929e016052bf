"""A real sshd of our own on loopback: keys, configuration and port of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from provision.config.inventory import Host
from provision.transport.ssh import SshTransport

SSHD = "/usr/sbin/sshd"
USER = f"provision-{os.getpid()}"
"""A user of this machine, one for each process that runs tests."""
PASSWORD = "correct horse ' battery"

CONFIG = """
{extra}
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_ed25519
HostKey {folder}/host_rsa
PidFile none
AuthorizedKeysFile {folder}/authorized_keys .ssh/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
MaxStartups 200
MaxSessions 10
"""
"""The configuration; of two values for a word sshd takes the first."""


@dataclass
class Sshd:
    """A running sshd; its keys and files are in *folder*."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def key_file(self) -> Path:
        return self.folder / "id_ed25519"

    def public(self, kind: str) -> str:
        """The host key of a type, as `TYPE BASE64`."""
        return " ".join((self.folder / f"host_{kind}.pub").read_text().split()[:2])

    def stop(self) -> None:
        """End sshd and the sessions it serves."""
        for pid in [*self.sessions(), self.process.pid]:
            os.kill(pid, 15)
        self.process.wait(10)

    def sessions(self) -> list[int]:
        """The processes that serve its connections."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]


def start_sshd(folder: Path, extra: str = "") -> Sshd:
    """Start an sshd with new keys in *folder*, on a free port."""
    if not Path(SSHD).exists():
        pytest.fail("these tests need sshd: apt-get install openssh-server sudo")
    folder.mkdir(parents=True, exist_ok=True)
    for name, kind in {
        "host_ed25519": "ed25519",
        "host_rsa": "rsa",
        "id_ed25519": "ed25519",
    }.items():
        keygen(folder / name, kind)
    shutil.copy(folder / "id_ed25519.pub", folder / "authorized_keys")
    port = free_port()
    config = folder / "sshd_config"
    config.write_text(CONFIG.format(port=port, folder=folder, extra=extra))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", config], stderr=log)
    wait_for_port(port, process)
    return Sshd(port, folder, process)


def answer_question(
    child: subprocess.Popen[bytes], terminal: int, question: str, answer: str
) -> tuple[int, str]:
    """Answer the *question* that a program asks; return its exit code and output."""
    printed = b""
    while question.encode() not in printed:
        printed += os.read(terminal, 4096)
    os.write(terminal, f"{answer}\n".encode())
    try:
        while part := os.read(terminal, 4096):
            printed += part
    except OSError:
        pass  # the end of a terminal
    os.close(terminal)
    return child.wait(60), printed.decode()


def keygen(path: Path, kind: str = "ed25519", passphrase: str = "") -> None:
    if not path.exists():
        command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", str(path)]
        subprocess.run(command, check=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail("sshd did not start")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without keys, known hosts or an agent of the person who runs the tests."""
    folder = tmp_path / "home"
    (folder / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return folder


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    server = start_sshd(tmp_path_factory.mktemp("sshd"))
    yield server
    server.stop()


HostFor = Callable[..., Host]


@pytest.fixture
def host_for(tmp_path: Path) -> HostFor:
    """Return a function that makes the host of a server, with its key known by default."""

    def make(server: Sshd, **changed: Any) -> Host:
        variables = {
            "ansible_host": "127.0.0.1",
            "ansible_port": server.port,
            "ansible_user": pwd.getpwuid(os.geteuid()).pw_name,
            "ansible_ssh_private_key_file": str(server.key_file),
            "host_key": server.public("ed25519"),
        }
        kept = {k: v for k, v in (variables | changed).items() if v is not None}
        return Host(
            name="node1",
            groups=("all",),
            vars=kept,
            where="lab.yml:3",
            base=tmp_path,
        )

    return make


@pytest.fixture
def transport(sshd: Sshd, host_for: HostFor) -> Iterator[SshTransport]:
    made = SshTransport(host_for(sshd))
    made.open()
    yield made
    made.close()


@pytest.fixture(scope="session")
def login_user(sshd: Sshd) -> Iterator[str]:
    """A user of this machine that is not root, for the tests of sudo."""
    if os.geteuid() != 0:
        pytest.skip("making a user for the tests of sudo needs root")
    if not shutil.which("sudo"):
        pytest.fail("these tests need sudo: apt-get install sudo")
    subprocess.run(["useradd", "-m", "-s", "/bin/bash", USER], check=True)
    subprocess.run(["chpasswd"], input=f"{USER}:{PASSWORD}".encode(), check=True)
    keys = Path(f"~{USER}/.ssh/authorized_keys").expanduser()
    keys.parent.mkdir(mode=0o700)
    shutil.copy(sshd.key_file.with_suffix(".pub"), keys)
    for path in (keys, keys.parent):
        shutil.chown(path, USER)
    yield USER
    sudoers().unlink(missing_ok=True)
    subprocess.run(["userdel", "-r", USER], check=False, capture_output=True)


def sudoers(rule: str = "") -> Path:
    """The file with the rule for the user of the tests, written if one is given."""
    path = Path("/etc/sudoers.d", USER)
    if rule:
        path.touch(mode=0o440)
        path.write_text(f"{USER} {rule}\n")
    return path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run them all in one process: they share an sshd and users of this machine."""
    for item in items:
        if "/ssh/" in item.nodeid or item.path.parent.name == "ssh":
            item.add_marker(pytest.mark.xdist_group("ssh"))
            item.add_marker(pytest.mark.ssh)
