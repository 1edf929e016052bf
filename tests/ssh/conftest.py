"""A real sshd of our own on loopback: keys, configuration and port of its own."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.openssh10 import OpenSsh, openssh_10

from provision.config.inventory import Host
from provision.errors import ConnectError
from provision.model.script import Script
from provision.transport.ssh import SshTransport

SSHD = "/usr/sbin/sshd"
SERVERS = ("installed", "OpenSSH 10")
"""The servers that logins are tried at: this machine's own, and a newer one."""
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
            # A session may end by itself between the two.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 15)
        self.process.wait(10)

    def sessions(self) -> list[int]:
        """The processes that serve its connections."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]


def start_sshd(folder: Path, extra: str = "", program: OpenSsh | None = None) -> Sshd:
    """Start an sshd with new keys in *folder*, on a free port; by default this machine's."""
    if not Path(SSHD).exists():
        pytest.fail("these tests need sshd: apt-get install openssh-server sudo")
    folder.mkdir(parents=True, exist_ok=True)
    keygen(folder / "host_ed25519")
    for file in client_key().parent.iterdir():
        shutil.copy(file, folder)
    shutil.copy(folder / "id_ed25519.pub", folder / "authorized_keys")
    port = free_port()
    config = folder / "sshd_config"
    # What steps note of this machine lies where the tests say; see tests/conftest.py.
    noted = f"SetEnv PROVISION_MANIFEST={os.environ['PROVISION_MANIFEST']}"
    lines = f"{extra}\n{noted}\n{program.config if program else ''}"
    config.write_text(CONFIG.format(port=port, folder=folder, extra=lines))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with (folder / "log").open("wb") as log:
        command = [program.sshd if program else SSHD, "-D", "-e", "-f", config]
        process = subprocess.Popen(command, stderr=log)
    wait_for_port(port, process)
    return Sshd(port, folder, process)


@functools.cache
def client_key() -> Path:
    """The key that logs in at every sshd of these tests; it ends with them.

    Beside it is the RSA key of all servers, which takes long to make.
    """
    folder = Path(tempfile.mkdtemp(prefix="provision-key-"))
    atexit.register(shutil.rmtree, folder)
    keygen(folder / "id_ed25519")
    keygen(folder / "host_rsa", "rsa")
    return folder / "id_ed25519"


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


def connects(transport: SshTransport) -> bool:
    """Tell whether a script can be run over a new connection."""
    transport.open()
    try:
        code = transport.run(Script("true", limit_s=10))
    finally:
        transport.close()
    return code == 0


def refusal(transport: SshTransport) -> ConnectError:
    """Return the error of a connection that cannot be made."""
    with pytest.raises(ConnectError) as caught:
        transport.open()
    return caught.value


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


@pytest.fixture(scope="session", params=SERVERS)
def program(request: pytest.FixtureRequest) -> OpenSsh | None:
    """Each of the servers that logins are tried at; None is this machine's own."""
    return openssh_10() if request.param == "OpenSSH 10" else None


@pytest.fixture(scope="session")
def each_sshd(
    program: OpenSsh | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sshd]:
    """A running sshd, of each of the servers."""
    server = start_sshd(tmp_path_factory.mktemp("sshd"), "", program)
    yield server
    server.stop()


Start = Callable[..., Sshd]


@pytest.fixture
def start(program: OpenSsh | None, tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts an sshd with more lines in its configuration."""
    with contextlib.ExitStack() as stack:

        def started(extra: str = "") -> Sshd:
            server = start_sshd(tmp_path / "sshd", extra, program)
            stack.callback(server.stop)
            return server

        yield started


Agent = Callable[..., Path]


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Agent]:
    """Return a function that starts an agent with keys, and gives its socket."""
    running: list[subprocess.Popen[bytes]] = []

    def started(*keys: Path, passphrase: str = "", default: bool = True) -> Path:
        path = tmp_path / f"agent{len(running)}"
        running.append(subprocess.Popen(["ssh-agent", "-D", "-a", str(path)]))
        while not path.exists():
            time.sleep(0.02)
        if default:
            monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
        for key in keys:
            add_key(path, key, passphrase)
        return path

    yield started
    for process in running:
        process.terminate()
        process.wait(10)


def add_key(agent: Path, key: Path, passphrase: str = "") -> None:
    """Add *key* to the agent."""
    ask = key.parent / "askpass"
    ask.write_text(f"#!/bin/sh\necho '{passphrase}'\n")
    ask.chmod(0o755)
    subprocess.run(
        ["ssh-add", "-q", key],
        check=True,
        stdin=subprocess.DEVNULL,
        env=os.environ
        | {"SSH_AUTH_SOCK": str(agent), "SSH_ASKPASS": str(ask)}
        | {"SSH_ASKPASS_REQUIRE": "force"},
    )


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
            inventory=("lab.yml",),
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
def login_user() -> Iterator[str]:
    """A user of this machine that is not root, for the tests of sudo and of passwords."""
    if os.geteuid() != 0:
        pytest.skip("making a user for the tests of sudo needs root")
    if not shutil.which("sudo"):
        pytest.fail("these tests need sudo: apt-get install sudo")
    subprocess.run(["useradd", "-m", "-s", "/bin/bash", USER], check=True)
    subprocess.run(["chpasswd"], input=f"{USER}:{PASSWORD}".encode(), check=True)
    # sshd reads it as the user, who cannot read the folders of tests.
    keys = Path(f"~{USER}/.ssh/authorized_keys").expanduser()
    keys.parent.mkdir(mode=0o700)
    shutil.copy(client_key().with_suffix(".pub"), keys)
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
        kept = f"Defaults:{USER} env_keep += PROVISION_MANIFEST"  # see start_sshd
        path.write_text(f"{USER} {rule}\n{kept}\n")
    return path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run them all in one process: they share an sshd and users of this machine."""
    for item in items:
        if "/ssh/" in item.nodeid or item.path.parent.name == "ssh":
            item.add_marker(pytest.mark.xdist_group("ssh"))
            item.add_marker(pytest.mark.ssh)


def config(home: Path, text: str, name: str = "config") -> Path:
    """Write *text* to a file of ssh's in *home*."""
    path = home / ".ssh" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path
