"""A real sudo that asks for a password: sent once, on standard input, nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import PASSWORD, USER, HostFor, Sshd, answer_question, sudoers

from provision.model.script import Script
from provision.transport.ssh import SshTransport

MAIN = "import sys; from provision.cli import main; sys.argv[0] = 'invoke'; main()"
INVENTORY = """
all:
  vars:
    cluster: c
    ansible_host: 127.0.0.1
    ansible_port: {port}
    ansible_user: {user}
    ansible_ssh_private_key_file: {key}
    host_key: {pin}
    {more}
  hosts: {hosts}
"""
BOOK = """
- play: p
  hosts: all
  become: true
  steps: [{directory: {path: "FOLDER/{{ inventory_hostname }}"}}]
"""
WHERE = ("--inventory", "inv.yml", "--playbook", "p")


@dataclass(frozen=True)
class Place:
    """An inventory of five hosts that are all this machine, and sudo's log."""

    folder: Path
    server: Sshd

    def write(self, more: str = "") -> None:
        text = INVENTORY.format(
            port=self.server.port,
            user=USER,
            key=self.server.key_file,
            pin=self.server.public("ed25519"),
            more=more,
            hosts={f"node{n}": {"address": f"10.0.0.{n}"} for n in range(1, 6)},
        )
        (self.folder / "inv.yml").write_text(text)

    def __call__(self, *words: str, **environment: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-c", MAIN, *words],
            cwd=self.folder,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout

    @property
    def log(self) -> str:
        file = self.folder / "sudo.log"
        return " ".join(file.read_text().split()) if file.exists() else ""


@pytest.fixture
def place(sshd: Sshd, login_user: str, tmp_path: Path) -> Iterator[Place]:
    folder = tmp_path / "folder"
    (folder / "playbooks").mkdir(parents=True)
    (folder / "out").mkdir()
    book = BOOK.replace("FOLDER", str(folder / "out"))
    (folder / "playbooks/p.yml").write_text(book)
    made = Place(folder, sshd)
    made.write()
    log = f"Defaults:{USER} logfile={folder}/sudo.log, timestamp_timeout=0"
    sudoers(f"ALL=(ALL) ALL\n{log}")
    yield made
    sudoers().unlink()


def made(place: Place) -> int:
    return len(list((place.folder / "out").iterdir()))


def test_without_a_password_the_error_names_the_option_for_it(place: Place) -> None:
    code, output = place("deploy", *WHERE)
    assert (code, made(place)) == (2, 0), output
    assert "may not run sudo without a password" in output
    assert "--ask-become-pass" in output


@pytest.mark.parametrize("way", ["environment", "inventory"])
def test_the_right_password_works_on_all_hosts(place: Place, way: str) -> None:
    given = {}
    if way == "inventory":
        place.write(f'ansible_become_password: "{PASSWORD}"')
    else:
        given["PROVISION_BECOME_PASSWORD"] = PASSWORD
    code, output = place("deploy", *WHERE, **given)
    assert (code, made(place)) == (0, 5), output
    assert "incorrect" not in place.log
    assert PASSWORD not in output


def test_a_wrong_password_is_tried_once_and_reported_once(place: Place) -> None:
    code, output = place("deploy", *WHERE, PROVISION_BECOME_PASSWORD="hunter2-wrong")
    assert (code, made(place)) == (2, 0), output
    assert place.log.count("incorrect password attempt") == 1, place.log
    assert " 1 incorrect password attempt" in place.log
    assert output.count("wrong password") == 2, "as an event, and in the summary"
    assert output.count("FAILED") == 2, "the one that was tried, and one for all others"
    assert "and 1 more: the sudo password was not tried here" in output
    assert "hunter2" not in output


def test_a_password_is_typed_once_for_all_hosts_and_not_shown(place: Place) -> None:
    ours, theirs = pty.openpty()
    words = ("deploy", *WHERE, "--ask-become-pass")
    with subprocess.Popen(
        [sys.executable, "-c", MAIN, *words],
        cwd=place.folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: set_controlling_terminal(theirs),  # noqa: PLW1509 - one thread here
    ) as child:
        os.close(theirs)
        code, output = answer_question(child, ours, "password for sudo: ", PASSWORD)
    assert code == 0, output
    assert made(place) == 5
    assert output.count("password for sudo") == 1
    assert PASSWORD not in output


def set_controlling_terminal(terminal: int) -> None:
    """Make *terminal* the process's /dev/tty, as a login does."""
    import fcntl
    import termios

    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def test_ask_become_pass_without_a_terminal_ends_with_5(place: Place) -> None:
    code, output = place("deploy", *WHERE, "--ask-become-pass")
    assert (code, len(output.splitlines())) == (5, 1), output
    assert "PROVISION_BECOME_PASSWORD" in output


def test_a_password_is_on_no_command_line_and_in_no_environment(
    sshd: Sshd, login_user: str, place: Place, host_for: HostFor
) -> None:
    host = host_for(sshd, ansible_user=login_user, ansible_become_password=PASSWORD)
    transport = SshTransport(host)
    transport.open()
    try:
        script = Script("{ id -un; cat >/dev/null; exit\n}\n", become=True)
        with transport.hold(script) as held:
            assert held.line == "root"
            texts = [
                content(file)
                for name in ("cmdline", "environ")
                for file in Path("/proc").glob(f"[0-9]*/{name}")
            ]
    finally:
        transport.close()
    assert any(b"sudo\0" in text for text in texts)
    assert not [text for text in texts if PASSWORD.encode() in text]


def content(file: Path) -> bytes:
    """Return what is in *file*; nothing once its process has ended."""
    try:
        return file.read_bytes()
    except OSError:
        return b""


def test_a_password_that_sudo_does_not_ask_for_is_not_sent(
    sshd: Sshd, login_user: str, place: Place, host_for: HostFor
) -> None:
    sudoers("ALL=(ALL) NOPASSWD: ALL")
    host = host_for(sshd, ansible_user=login_user, ansible_become_password="wrong")
    transport = SshTransport(host)
    transport.open()
    try:
        script = Script("{ id -un; cat; exit\n}\n", become=True)
        with transport.hold(script) as held:
            assert held.line == "root"
        out = bytearray()
        script = Script("id -un", become=True, limit_s=5, stdout=out.extend)
        assert (transport.run(script), out.decode()) == (0, "root\n")
    finally:
        transport.close()
