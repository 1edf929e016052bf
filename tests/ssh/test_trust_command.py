"""`invoke trust` with real servers: the keys it shows, adds and refuses."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Sshd, answer_question, keygen, start_sshd

MAIN = "import sys; from provision.cli import main; sys.argv[0] = 'invoke'; main()"
INVENTORY = """
all:
  vars:
    cluster: c
    ansible_host: 127.0.0.1
    ansible_become: false
    ansible_ssh_private_key_file: {key}
    {more}
  hosts:
    node1: {{ansible_port: {one}, address: 10.0.0.1}}
    node2: {{ansible_port: {two}, address: 10.0.0.2}}
"""
BOOK = "- {play: p, hosts: all, steps: [{directory: {path: /nowhere/at/all}}]}\n"


@dataclass(frozen=True)
class Place:
    """A folder with an inventory of two servers, neither of which is known."""

    folder: Path
    servers: tuple[Sshd, Sshd]

    def __call__(self, *words: str) -> tuple[int, str]:
        """Run a command with no terminal; return its exit code and output."""
        done = subprocess.run(
            [sys.executable, "-c", MAIN, *words],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout

    def answering(self, answer: str, *words: str) -> tuple[int, str]:
        """Run a command as a person at a terminal who answers the question."""
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-c", MAIN, *words],
            cwd=self.folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        ) as child:
            os.close(theirs)
            return answer_question(child, ours, "Type yes", answer)

    def fingerprint_of(self, number: int, kind: str = "ed25519") -> str:
        """Return a server's fingerprint, as OpenSSH prints it."""
        file = self.servers[number].folder / f"host_{kind}.pub"
        command = ["ssh-keygen", "-lf", str(file)]
        return subprocess.check_output(command, text=True).split()[1]

    @property
    def known(self) -> str:
        file = self.folder / "known_hosts"
        return file.read_text() if file.exists() else ""


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    server = start_sshd(tmp_path_factory.mktemp("other"))
    yield server
    server.stop()


@pytest.fixture
def place(sshd: Sshd, other: Sshd, tmp_path: Path) -> Place:
    folder = tmp_path / "folder"
    (folder / "playbooks").mkdir(parents=True)
    (folder / "playbooks/p.yml").write_text(BOOK)
    made = Place(folder, (sshd, other))
    write(made)
    other_keys = other.folder / "authorized_keys"
    other_keys.write_text((sshd.folder / "authorized_keys").read_text())
    return made


def write(place: Place, more: str = "") -> None:
    one, two = place.servers
    text = INVENTORY.format(key=one.key_file, one=one.port, two=two.port, more=more)
    (place.folder / "inv.yml").write_text(text)


WHERE = ("--inventory", "inv.yml")


def test_the_command_that_deploy_names_makes_deploy_work(place: Place) -> None:
    code, output = place("plan", *WHERE, "--playbook", "p")
    assert code == 4, output
    command = re.search(r"accept it: invoke (trust --inventory inv\.yml)\n", output)
    assert command, output
    assert output.count("FAILED") == 1
    code, output = place(*command[1].split(), "--yes")
    assert (code, "2 keys added to known_hosts" in output) == (0, True), output
    code, output = place("plan", *WHERE, "--playbook", "p")
    assert (code, "2 steps would change on 2 hosts" in output) == (3, True), output


def test_without_a_terminal_it_shows_the_keys_and_adds_none(place: Place) -> None:
    code, output = place("trust", *WHERE)
    assert code == 5, output
    assert place.fingerprint_of(0) in output and place.fingerprint_of(1) in output
    assert "--yes" in output and "--fingerprint" in output
    assert place.known == ""


def test_keys_are_added_when_a_person_answers_yes(place: Place) -> None:
    code, output = place.answering("yes", "trust", *WHERE)
    assert code == 0, output
    for number, server in enumerate(place.servers):
        assert place.fingerprint_of(number) in output
        line = f"[127.0.0.1]:{server.port} {server.public('ed25519')}\n"
        assert line in place.known
    code, output = place("trust", *WHERE)
    assert (code, "nothing to do: 2 hosts" in output) == (0, True), output


def test_no_key_is_added_when_a_person_answers_no(place: Place) -> None:
    code, output = place.answering("no", "trust", *WHERE)
    assert (code, place.known) == (130, ""), output
    assert "no key was added" in output


def test_a_given_fingerprint_accepts_only_its_key(place: Place) -> None:
    given = ("trust", *WHERE, "--fingerprint", place.fingerprint_of(0))
    code, output = place(*given)
    assert (code, place.known) == (4, ""), output
    assert "not among those of --fingerprint" in output
    code, output = place(*given, "--limit", "node1")
    assert (code, place.known.count("\n")) == (0, 1), output
    assert str(place.servers[0].port) in place.known


def test_it_logs_in_to_no_host(place: Place) -> None:
    log = place.servers[0].folder / "log"
    before = len(log.read_text())
    assert place("trust", *WHERE, "--yes")[0] == 0
    assert place("trust", *WHERE)[0] == 0
    assert "Accepted" not in log.read_text()[before:]


def test_a_changed_key_is_refused_and_the_others_are_accepted(place: Place) -> None:
    one, two = place.servers
    keygen(place.folder / "k")
    false = " ".join((place.folder / "k.pub").read_text().split()[:2])
    old = f"[127.0.0.1]:{one.port} {false}\n"
    (place.folder / "known_hosts").write_text(old)
    code, output = place("trust", *WHERE, "--yes")
    assert code == 4, output
    assert "has changed" in output and place.fingerprint_of(0) in output
    assert place.known.startswith(old)
    assert f"[127.0.0.1]:{two.port} {two.public('ed25519')}\n" in place.known
    # The advice works.
    forget = re.search(r"forget the old key: (ssh-keygen .*?), then", output)
    assert forget, output
    subprocess.run(forget[1], shell=True, check=True, cwd=place.folder)
    assert place("trust", *WHERE, "--yes")[0] == 0
    assert false not in place.known


def test_a_key_that_differs_from_the_pinned_one_is_refused(place: Place) -> None:
    write(place, f"host_key: {place.servers[1].public('ed25519')}")
    code, output = place("trust", *WHERE, "--yes")
    assert (code, place.known) == (4, ""), output
    assert "host_key in the inventory has" in output


def test_keys_of_jump_hosts_are_accepted_before_those_behind_them(place: Place) -> None:
    gate = f"localhost:{place.servers[0].port}"
    write(place, f"ansible_ssh_common_args: -J {gate}")
    code, output = place("trust", *WHERE)
    assert code == 5, output
    assert "jump host" in output and "on the way to node1 and node2" in output
    code, output = place("trust", *WHERE, "--yes")
    assert code == 0, output
    assert output.index("1 key added") < output.index("2 keys added")
    assert len(place.known.splitlines()) == 3
    assert place("plan", *WHERE, "--playbook", "p")[0] == 3


def test_a_host_that_is_down_does_not_hold_up_the_others(place: Place) -> None:
    file = place.folder / "inv.yml"
    file.write_text(file.read_text().replace(str(place.servers[0].port), "1"))
    code, output = place("trust", *WHERE, "--yes")
    assert (code, place.known.count("\n")) == (4, 1), output
    assert "node1: " in output and "refused the connection" in output


@pytest.mark.parametrize("words", [("--limit", "nobody"), ("--forks", "x")])
def test_bad_input_ends_with_5(place: Place, words: tuple[str, str]) -> None:
    code, output = place("trust", *WHERE, *words)
    assert (code, len(output.splitlines())) == (5, 1), output
