"""`init` with real servers: what it writes, what it asks, and what stops it."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import PASSWORD, Sshd, keygen, start_sshd, sudoers

from provision.config.inventory import load

MAIN = "import sys; from provision.cli import main; sys.argv[0] = 'provision'; main()"
KEYS = "Type yes to accept"
WRITE = "Type yes to write"
HOSTS = "Hosts, such as"
CTRL_C = b"\x03\n"
"""Ctrl-C, and a line end: Python sees a signal just before it reads only after a read."""


@dataclass(frozen=True)
class Folder:
    """An empty folder, and a server whose key is not known."""

    path: Path
    server: Sshd
    user: str = "root"

    @property
    def host(self) -> str:
        return f"{self.user}@127.0.0.1:{self.server.port}"

    def __call__(self, *words: str) -> tuple[int, str]:
        """Run init with no terminal; return its exit code and output."""
        done = subprocess.run(
            [sys.executable, "-c", MAIN, "init", *words],
            cwd=self.path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=110,
            check=False,
        )
        return done.returncode, done.stdout

    def talk(
        self, answers: Sequence[tuple[str, bytes]], *words: str
    ) -> tuple[int, str]:
        """Run init on a terminal of its own; give each answer once its question is there."""
        ours, theirs = pty.openpty()
        # The terminal is its own: so Ctrl-C there is a signal.
        command = ["setsid", "--ctty", sys.executable, "-c", MAIN, "init", *words]
        with subprocess.Popen(
            command,
            cwd=self.path,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        ) as child:
            os.close(theirs)
            try:
                printed = _read(ours, list(answers))
                return child.wait(60), printed
            finally:
                child.kill()

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.path.iterdir())


def _read(terminal: int, answers: list[tuple[str, bytes]]) -> str:
    """Read to the end; answer each question when it comes."""
    printed, seen = "", 0
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            part = b""
        if not part:
            os.close(terminal)
            return printed
        printed += part.decode(errors="replace")
        if answers and answers[0][0] in printed[seen:]:
            seen = len(printed)
            os.write(terminal, answers.pop(0)[1])


@pytest.fixture(autouse=True)
def _only_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("making a user who may use sudo needs root")


@pytest.fixture
def folder(sshd: Sshd, tmp_path: Path, home: Path, login_user: str) -> Folder:
    sudoers("ALL=(ALL) NOPASSWD: ALL")
    shutil.copy(sshd.key_file, home / ".ssh/id_ed25519")
    path = tmp_path / "empty"
    path.mkdir()
    return Folder(path, sshd, login_user)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, sshd: Sshd) -> Iterator[Sshd]:
    """Another server of this machine: by another port it looks like another host."""
    server = start_sshd(tmp_path_factory.mktemp("clone"))
    keys = (sshd.folder / "authorized_keys").read_text()
    (server.folder / "authorized_keys").write_text(keys)
    yield server
    server.stop()


def test_with_yes_it_asks_nothing_and_writes_an_inventory(folder: Folder) -> None:
    code, output = folder(folder.host, "--yes", "--inventory", "rack.yml")
    assert code in (0, 2), output  # what doctor finds on this machine is its own
    assert "written: rack.yml" in output
    assert "1 host" in output and "Traceback" not in output
    assert folder.files == ["known_hosts", "rack.yml"]
    found = load(folder.path / "rack.yml")
    [name] = found.groups["head"]
    host = found.hosts[name]
    assert (found.cluster, host.ssh_host, host.port) == (
        "rack",
        "127.0.0.1",
        folder.server.port,
    )
    assert host.user == folder.user
    assert folder.server.public("ed25519") in (folder.path / "known_hosts").read_text()
    before = (folder.path / "rack.yml").read_text()
    code, output = folder(folder.host, "--yes", "--inventory", "rack.yml")
    assert (code, (folder.path / "rack.yml").read_text()) == (5, before), output
    assert "not overwritten" in output


def test_a_conversation(folder: Folder) -> None:
    host = f"{folder.host}\n".encode()
    answers = [(HOSTS, host), (KEYS, b"yes\n"), (WRITE, b"yes\n")]
    code, output = folder.talk(answers)
    assert code in (0, 2), output
    assert "written: cluster.yml" in output
    assert folder.files == ["cluster.yml", "known_hosts"]


@pytest.mark.parametrize("number", range(3))
def test_ctrl_c_at_any_question_writes_nothing(folder: Folder, number: int) -> None:
    host = f"{folder.host}\n".encode()
    answers = [(HOSTS, host), (KEYS, b"yes\n"), (WRITE, b"yes\n")]
    answers[number] = (answers[number][0], CTRL_C)
    code, output = folder.talk(answers[: number + 1])
    assert (code, folder.files) == (130, []), output
    assert "Traceback" not in output


@pytest.mark.parametrize("number", range(2))
def test_no_at_any_question_writes_nothing(folder: Folder, number: int) -> None:
    answers = [(KEYS, b"yes\n"), (WRITE, b"yes\n")]
    answers[number] = (answers[number][0], b"no\n")
    code, output = folder.talk(answers[: number + 1], folder.host)
    assert (code, folder.files) == (130, []), output
    assert "nothing was written" in output


def test_without_a_terminal_and_yes_it_shows_the_key_and_writes_nothing(
    folder: Folder,
) -> None:
    code, output = folder(folder.host)
    assert (code, folder.files) == (5, []), output
    assert "--yes" in output and "SHA256:" in output
    code, output = folder()
    assert (code, folder.files, len(output.splitlines())) == (5, [], 1), output


def test_two_hosts_that_are_one_machine_are_refused(
    folder: Folder, clone: Sshd
) -> None:
    other = f"{folder.user}@127.0.0.1:{clone.port}"
    code, output = folder(folder.host, other, "--yes")
    assert (code, folder.files) == (2, []), output
    [line] = [line for line in output.splitlines() if line.startswith("error: ")]
    assert "have the same /etc/machine-id" in line
    assert f"127.0.0.1:{clone.port}" in line


def test_a_key_that_the_host_refuses(folder: Folder, home: Path) -> None:
    (home / ".ssh/id_ed25519").unlink()
    keygen(home / ".ssh/id_ed25519")
    code, output = folder(folder.host, "--yes")
    assert (code, folder.files) == (4, []), output
    [line] = [line for line in output.splitlines() if line.startswith("error: ")]
    assert "127.0.0.1" in line and "to do:" in output


def test_a_host_key_that_has_changed(folder: Folder) -> None:
    keygen(folder.path / "k")
    false = " ".join((folder.path / "k.pub").read_text().split()[:2])
    known = folder.path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{folder.server.port} {false}\n")
    before = known.read_text()
    code, output = folder(folder.host, "--yes")
    assert (code, known.read_text()) == (4, before), output
    assert "has changed" in output
    assert not (folder.path / "cluster.yml").exists()


def test_a_user_who_may_not_use_sudo(folder: Folder, login_user: str) -> None:
    sudoers().unlink(missing_ok=True)
    someone = Folder(folder.path, folder.server, login_user)
    code, output = someone(someone.host, "--yes")
    assert (code, folder.files) == (2, []), output
    [line] = [line for line in output.splitlines() if line.startswith("error: ")]
    assert "sudo" in line


@pytest.fixture
def by_password(tmp_path: Path, home: Path, login_user: str) -> Iterator[Folder]:
    """An empty folder, and a server that knows a password and no key yet."""
    sudoers("ALL=(ALL) NOPASSWD: ALL")
    server = start_sshd(
        tmp_path / "sshd",
        "PasswordAuthentication yes\nAuthorizedKeysFile .ssh/new_keys .ssh/authorized_keys",
    )
    keygen(home / ".ssh/id_ed25519")
    keys = Path(f"~{login_user}/.ssh/authorized_keys").expanduser()
    before = keys.read_text()
    keys.write_text(before.rstrip("\n"))  # a last line without an end
    path = tmp_path / "empty"
    path.mkdir()
    yield Folder(path, server, login_user)
    keys.write_text(before)
    server.stop()


def authorized(folder: Folder) -> list[str]:
    text = Path(f"~{folder.user}/.ssh/authorized_keys").expanduser().read_text()
    return text.splitlines()


ASKED = "password for SSH: "


def test_a_password_is_asked_for_and_a_key_takes_its_place(
    by_password: Folder, home: Path
) -> None:
    folder, typed = by_password, f"{PASSWORD}\n".encode()
    answers = [(KEYS, b"yes\n"), (ASKED, typed), (WRITE, b"yes\n")]
    code, output = folder.talk(answers, folder.host)
    assert code in (0, 2), output
    assert "the password is kept nowhere" in output
    assert "failure  login" not in output
    key = (home / ".ssh/id_ed25519.pub").read_text().strip()
    keys = authorized(folder)
    assert keys[-1] == key and len(keys) == 2
    written = "".join((folder.path / name).read_text() for name in folder.files)
    assert PASSWORD not in written + output
    assert "password" not in (folder.path / "cluster.yml").read_text()
    # From now on nothing is asked, and nothing is added a second time.
    code, output = folder(folder.host, "--yes", "--inventory", "two.yml")
    assert code in (0, 2), output
    assert authorized(folder) == keys


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ([(ASKED, b"wrong\n")], 4),
        ([(ASKED, b"\n")], 5),
        ([(ASKED, CTRL_C)], 130),
        ([(ASKED, f"{PASSWORD}\n".encode()), (WRITE, CTRL_C)], 130),
    ],
)
def test_what_stops_it_leaves_no_key_and_no_file(
    by_password: Folder, answers: list[tuple[str, bytes]], code: int
) -> None:
    folder = by_password
    before = authorized(folder)
    ended, output = folder.talk([(KEYS, b"yes\n"), *answers], folder.host, "--ask-pass")
    assert (ended, folder.files) == (code, []), output
    assert authorized(folder) == before
    assert "Traceback" not in output and PASSWORD not in output


def test_a_password_without_a_terminal_or_a_key(
    by_password: Folder, home: Path
) -> None:
    folder = by_password
    code, output = folder(folder.host, "--yes", "--ask-pass")
    assert (code, folder.files) == (5, []), output
    assert "there is no terminal" in output
    (home / ".ssh/id_ed25519").unlink()
    code, output = folder.talk([(KEYS, b"yes\n")], folder.host, "--ask-pass")
    assert (code, folder.files) == (5, []), output
    assert "ssh-keygen -t ed25519" in output
