"""Passwords on the command line: asked once for all commands, and never shown."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from place import MAIN, Place

from provision import cli
from provision.config.yaml_source import parse
from provision.errors import InventoryError
from provision.secrets import vault
from provision.secrets.credentials import BECOME_PASSWORD, VAULT_PASSWORD_FILE

PASSWORD = "it is ☃ secret"
PLAIN = "hunter2\nline two ü"
BLOCK = "|\n" + "".join(
    f"        {line}\n" for line in vault.encrypt(PLAIN, PASSWORD.encode()).splitlines()
)
LOCAL = f"""
all:
  vars:
    cluster: vault-{os.getpid()}
    ansible_connection: local
    ansible_become: false
    text: !vault {BLOCK}
  hosts: {{one: , two: }}
"""
WORDS = ("--inventory", "inv.yml", "--playbook", "notes")


@pytest.fixture
def vaulted(here: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A folder whose inventory has an encrypted value, and whose file has the password."""
    for name in (VAULT_PASSWORD_FILE, BECOME_PASSWORD):
        monkeypatch.delenv(name, raising=False)
    (here.folder / "inv.yml").write_text(LOCAL)
    (here.folder / "password").write_text(PASSWORD)
    return here


def test_a_secret_is_deployed_and_never_shown(vaulted: Place) -> None:
    code, said = vaulted("deploy", *WORDS, "-v")
    assert (code, "there is no vault password" in said) == (5, True), said
    given = ("--vault-password-file", str(vaulted.folder / "password"))
    code, said = vaulted("deploy", *WORDS, "-v", *given, "--report", "report.json")
    assert code == 0, said
    assert vaulted.note("one").read_text() == PLAIN
    assert "hunter2" not in said + (vaulted.folder / "report.json").read_text()


def test_a_file_that_one_command_names_counts_for_those_after_it(
    vaulted: Place,
) -> None:
    before = dict(os.environ)
    words = ("deploy", *WORDS, "--vault-password-file", "password", "verify", *WORDS)
    code, said = vaulted(*words)
    assert code == 0, said
    assert dict(os.environ) == before
    code, said = vaulted("verify", *WORDS)
    assert (code, "there is no vault password" in said) == (5, True), "the next line"


def test_the_program_that_prints_it_is_run_once(vaulted: Place) -> None:
    program = vaulted.folder / "print"
    program.write_text(f"#!/bin/sh\necho x >>calls\necho '{PASSWORD}'\n")
    program.chmod(0o700)
    given = ("--vault-password-file", "./print")
    code, said = vaulted("deploy", *WORDS, *given, "verify", *WORDS, *given)
    assert code == 0, said
    assert (vaulted.folder / "calls").read_text() == "x\n"


def test_several_commands_of_one_line_ask_once_for_each_password(
    vaulted: Place,
) -> None:
    answers = {"vault password: ": PASSWORD, "password for sudo: ": "hunter3"}
    words = [*WORDS, "--ask-become-pass"]
    code, output = typed(vaulted.folder, ["deploy", *words, "verify", *words], answers)
    assert code == 0, output
    assert [output.count(question) for question in answers] == [1, 1]
    assert "hunter" not in output


def typed(folder: Path, words: list[str], answers: dict[str, str]) -> tuple[int, str]:
    """Run `provision WORDS` on a terminal of its own; type the answer to each question."""
    ours, theirs = pty.openpty()
    left = dict(answers)
    with subprocess.Popen(
        [sys.executable, "-c", MAIN, *words],
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: set_controlling_terminal(theirs),  # noqa: PLW1509 - one thread here
    ) as child:
        os.close(theirs)
        output = b""
        with contextlib.suppress(OSError):  # Linux: the other end was closed
            while chunk := os.read(ours, 4096):
                output += chunk
                for question in [one for one in left if one.encode() in output]:
                    os.write(ours, f"{left.pop(question)}\n".encode())
        os.close(ours)
        return child.wait(20), output.decode()


def set_controlling_terminal(terminal: int) -> None:
    """Make *terminal* the process's /dev/tty, as a login does."""
    import fcntl
    import termios

    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def test_what_encrypt_prints_can_be_pasted_into_yaml(
    vaulted: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ("--vault-password-file", "password")
    monkeypatch.setattr("sys.stdin", io.StringIO("hunter4"))
    code, said = vaulted("encrypt", *given)
    assert (code, "hunter4" in said) == (0, False), said
    text = parse(f"a: {said.replace('!vault', '')}", InventoryError, file="f").data["a"]
    assert vault.decrypt(text, PASSWORD.encode()) == "hunter4"
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    code, said = vaulted("encrypt", *given)
    assert (code, "there is no value" in said) == (5, True), said


def test_a_command_of_somebody_elses_program_has_credentials_too(
    vaulted: Place,
) -> None:
    from invoke.collection import Collection
    from invoke.program import Program

    mine = Program(namespace=Collection(cli.deploy.verify), name="mine")
    words = ["mine", "verify", *WORDS, "--vault-password-file", "password"]
    with contextlib.chdir(vaulted.folder), pytest.raises(SystemExit) as ended:
        mine.run(words)
    assert ended.value.code == 3
