"""Words of sudo and of sudo-rs, golden, and the marks on the way to a script."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from provision.errors import ConnectError, HostError, PrivilegeError
from provision.model.script import Script
from provision.transport.remote_shell import RemoteShell
from provision.transport.remote_shell.conversation import STUCK_AFTER_S
from provision.transport.remote_shell.start import (
    KILL_AFTER_S,
    LOGIN,
    READY,
    SHELL,
    TRAP,
    argv,
)
from provision.transport.sudo_password import Password

NO_PASSWORD = "may not run sudo without a password"
WRONG = "was refused by sudo: wrong password"
NOT_ALLOWED = "may not run this as root with sudo"
LOCKED = "was refused by sudo: the account is locked"
EXPIRED = "was refused by sudo: the account or its password has expired"
NO_RIGHTS = "cannot become root: sudo has no setuid rights there"
SUDO = {
    "sudo: a password is required": NO_PASSWORD,
    "sudo: interactive authentication is required": NO_PASSWORD,
    "sudo: no password was provided": NO_PASSWORD,
    "sudo: 3 incorrect password attempts": WRONG,
    "a is not in the sudoers file.  This incident will be reported.": NOT_ALLOWED,
    "Sorry, user a is not allowed to execute '/bin/sh' as root on node1.": NOT_ALLOWED,
    "Sorry, user a may not run sudo on node1.": NOT_ALLOWED,
    "sudo: sorry, you must have a tty to run sudo": "without a terminal",
    "sudo: account validation failure, is your account locked?": LOCKED,
    "The account is locked due to 3 failed logins.\nSorry, try again.\n"
    "sudo: 1 incorrect password attempt": LOCKED,
    "sudo: Account or password is expired, reset your password and try again": EXPIRED,
    'sudo: The "no new privileges" flag is set, which prevents sudo from running as root.'
    "": NO_RIGHTS,
    "sudo: /usr/bin/sudo must be owned by uid 0 and have the setuid bit set": NO_RIGHTS,
    "sh: 1: exec: sudo: not found": "sudo is not installed",
    "sudo: timeout: command not found": "could not become root: sudo ended with exit code 1",
}
SUDO_RS = {
    "sudo-rs: interactive authentication is required": NO_PASSWORD,
    "sudo-rs: I'm sorry a. I'm afraid I can't do that": NOT_ALLOWED,
    "sudo-rs: Maximum 3 incorrect authentication attempts": WRONG,
    "sudo-rs: PAM error: User account has expired": EXPIRED,
    "sudo-rs: Account validation failure, is your account locked?": LOCKED,
    "sudo-rs: sudo must be owned by uid 0 and have the setuid bit set": NO_RIGHTS,
}
"""Seen with sudo-rs 0.2.5 of Debian 13, but for the account validation."""


def shell(*, password: Password | None = None, sudo: bool = True) -> RemoteShell:
    script = Script("script", become=True)
    return RemoteShell("a@node1", script, sudo=sudo, password=password)


@pytest.mark.parametrize("words", [*SUDO, *SUDO_RS])
def test_what_sudo_says_is_understood(words: str) -> None:
    asked = shell()
    asked.on_stdout(LOGIN)
    asked.on_stderr(LOGIN + words.encode())
    with pytest.raises(PrivilegeError) as caught:
        asked.result(1)
    assert (SUDO | SUDO_RS)[words] in caught.value.message
    assert caught.value.details[-1] == words.splitlines()[-1]
    assert caught.value.hint


@pytest.mark.parametrize("words", SUDO)
def test_the_same_words_of_a_login_shell_are_its_own(words: str) -> None:
    asked = shell()
    asked.on_stderr(words.encode())
    with pytest.raises(ConnectError, match="login shell ended before it ran sudo"):
        asked.result(1)


PROMPTS = {
    "sudo": ["@provision-password:"],
    "sudo-rs": ["[sudo: @provision-password:] Password: "],
    "sudo-rs in pieces": ["[sudo: @provision-pass", "word:", "] Pass", "word: "],
    "sudo-rs that takes no prompt": ["[sudo: authenticate] Password: "],
    "Kerberos": ["Password for a@LAB.EXAMPLE: "],
}


@pytest.mark.parametrize("pieces", PROMPTS.values(), ids=PROMPTS)
def test_each_prompt_gets_the_password_once(pieces: list[str]) -> None:
    password = Password(SecretStr("hunter2"))
    with shell(password=password) as asked:
        assert asked.initial_input() == b""
        sent = [asked.on_stderr(piece.encode()) for piece in ["x\n", LOGIN.decode()]]
        sent += [asked.on_stderr(piece.encode()) for piece in pieces]
        assert b"".join(sent) == b"hunter2\n"
        with pytest.raises(HostError, match=WRONG):
            asked.on_stderr(b"Sorry, try again.\n" + "".join(pieces).encode())


def test_without_a_password_all_is_sent_at_once() -> None:
    asked = shell()
    assert asked.initial_input().startswith(TRAP.encode() + b"\n{\nas_root=true\n")
    assert asked.initial_input().endswith(b"}\nscript")
    assert asked.on_stdout(b"noise" + LOGIN + SHELL + READY) == b""
    assert asked.on_stderr(LOGIN + READY) == b""
    assert asked.result(7) == 7


@pytest.mark.parametrize("sudo", [True, False])
@pytest.mark.parametrize("password", [True, False])
def test_every_login_shell_can_read_the_command(sudo: bool, password: bool) -> None:
    for word in argv(sudo=sudo, limit_s=5, password=password):
        assert not set(word) & set("\n!'"), "csh and fish"


def test_sudo_is_asked_for_root_by_name_and_in_english() -> None:
    words = argv(sudo=True, limit_s=0)
    assert words[words.index("-u") + 1] == "root"
    assert "LC_ALL=C" in words[2]


def test_a_script_that_was_cut_is_not_waited_for_as_long_as_its_limit() -> None:
    script = Script("script", limit_s=9000, overdue=lambda: True)
    running = RemoteShell("a@node1", script, sudo=False, password=None)
    running.on_stdout(LOGIN + SHELL + READY)
    assert running.deadline_s > 9000
    assert running.is_overdue(10)
    assert not running.is_overdue(11), "its input is ended once"
    assert running.deadline_s == 10 + KILL_AFTER_S + STUCK_AFTER_S
