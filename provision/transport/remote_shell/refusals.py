"""Errors for a script that was not run: by whom, why, and what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from provision.errors import ConnectError, HostError, PrivilegeError
from provision.transport.remote_shell.start import (
    INPUT_LOST,
    NOT_ROOT,
    OTHER_SHELL,
    PROMPT,
    SHELL,
    START_LIMIT_S,
    StartFilter,
)

FILES = "~/.bashrc, ~/.profile, /etc/profile.d"
WRONG_PASSWORD = (
    "incorrect (password|authentication)|Authentication failed",
    "was refused by sudo: wrong password",
    "correct ansible_become_password, or type it again; it was tried only once",
)
LOCKED = (
    "[Aa]ccount (is |temporarily )?locked|is your account locked",
    "was refused by sudo: the account is locked",
    "unlock it there (faillock --user USER --reset), or wait",
)
EXPIRED = (
    "([Pp]assword|[Aa]ccount)( or password)? (is |has )?expired",
    "was refused by sudo: the account or its password has expired",
    "change it there: passwd, or chage",
)
OF_THE_PASSWORD = (LOCKED, EXPIRED, WRONG_PASSWORD)
REFUSALS = (
    (
        "a password is required|no password was provided|authentication is required",
        "may not run sudo without a password",
        "add --ask-become-pass, set ansible_become_password, or allow it as root with "
        "NOPASSWD in /etc/sudoers.d there",
    ),
    *OF_THE_PASSWORD,
    (
        "not in the sudoers file|not allowed to|may not run sudo|afraid I can't do that",
        "may not run this as root with sudo",
        "allow ALL commands as root in /etc/sudoers.d, or set another ansible_user",
    ),
    (
        "must have a tty",
        "may not run sudo without a terminal",
        "take requiretty out of /etc/sudoers",
    ),
    (
        "no new privileges|setuid|effective uid is not 0",
        "cannot become root: sudo has no setuid rights there",
        "see the mode of sudo, the mount options, and the container that it runs in",
    ),
    (
        r"sudo:? (command )?not found|sudo: No such file",
        "cannot become root: sudo is not installed",
        "install sudo there, or set ansible_user: root",
    ),
)
"""A pattern for sudo's output, its meaning (after USER@HOST), and what to do about it.

The words of sudo and of sudo-rs, in English, which both are asked for.
"""


@dataclass(frozen=True, slots=True)
class Start:
    """The start of a shell that did not come to its script.

    Attributes:
        who: the user and host.
        sudo: it was to go through sudo.
        become: the script is for root.
        out: its standard output.
        err: its standard error.
    """

    who: str
    sudo: bool
    become: bool
    out: StartFilter
    err: StartFilter

    @property
    def words_of_login(self) -> str:
        """The text that was printed before our command ran."""
        return _text(self._before(self.err) + self._before(self.out))

    @property
    def words_of_sudo(self) -> str:
        """The text that was printed since."""
        return _text(self.err.held + self.out.held.replace(SHELL, b""))

    def _before(self, stream: StartFilter) -> bytearray:
        return stream.before_login if stream.login else stream.held

    @property
    def aim(self) -> str:
        """The program that the login shell was to run."""
        return "sudo" if self.sudo else "a script"

    def ended(self, code: int) -> HostError:
        """Return the error for an end with exit *code*."""
        return (
            _not_root(self)
            or _login_files(self)
            or _login_ended(self, code)
            or _sudo_refused(self, code)
        )

    def too_slow(self) -> HostError:
        """Return the error for one that still waits."""
        limit = f"within {START_LIMIT_S:g} s"
        if not self.out.login:
            return ConnectError(
                f"{self.who} could log in, but the login shell did not run {self.aim} {limit}",
                hint=f"log in there and see what waits in the shell's files ({FILES})",
                details=last_lines(self.words_of_login),
            )
        if SHELL in self.out.held:
            return _input_lost(self)
        return PrivilegeError(
            f"{self.who} could not become root: sudo started no shell {limit}",
            hint="log in there and see what it waits for: sudo -u root id",
            details=last_lines(self.words_of_sudo),
        )


def _not_root(start: Start) -> HostError | None:
    printed = bytes(start.out.before_login + start.out.held)
    if found := NOT_ROOT.search(printed):
        return PrivilegeError(
            f"{start.who} did not become root: the script would run as {_name(found)}",
            hint="see what runs for `sudo -u root id` there: `type sudo`, sudo -l",
            details=last_lines(start.words_of_login),
        )
    if not (found := OTHER_SHELL.search(printed)):
        return None
    culprit = "sudo" if start.out.login and start.sudo else "the login shell"
    problem = f"{culprit} started another shell than sh, as {_name(found)}"
    if start.become:
        return PrivilegeError(
            f"{start.who} did not become root: {problem}", hint=_other_shell(start)
        )
    return ConnectError(
        f"{start.who} could log in, but {problem}", hint=_other_shell(start)
    )


def _other_shell(start: Start) -> str:
    if start.out.login and start.sudo:
        return "see which program it is there: type sudo"
    return f"take `exec` out of the shell's files there ({FILES}), or ForceCommand"


def _name(found: re.Match[bytes]) -> str:
    return found[1].decode("utf-8", "replace").strip() or "an unknown user"


def _login_files(start: Start) -> HostError | None:
    """Return the error for files of the login shell that take our input or output."""
    if INPUT_LOST in start.out.held:
        return _input_lost(start)
    out, err = start.out, start.err
    if out.login == err.login and out.open == err.open:
        return None
    which = "error" if out.login else "output"
    return ConnectError(
        f"{start.who} could log in, but standard {which} goes elsewhere there",
        hint=f"see which of the login shell's files redirects it ({FILES})",
        details=last_lines(start.words_of_login),
    )


def _input_lost(start: Start) -> HostError:
    return ConnectError(
        f"{start.who} could log in, but something there read the script before our shell",
        hint=f"see which of the login shell's files reads its input ({FILES}); give it "
        "</dev/null",
        details=last_lines(start.words_of_login),
    )


def _login_ended(start: Start, code: int) -> HostError | None:
    if start.out.login and start.sudo:
        return None
    if start.out.login:
        return ConnectError(
            f"{start.who} could log in, but no shell was started (exit code {code})",
            hint="`sh` and `timeout` must be on the user's PATH there",
            details=last_lines(start.words_of_sudo),
        )
    return ConnectError(
        f"{start.who} could log in, but the login shell ended before it ran {start.aim} "
        f"(exit code {code})",
        hint="the user needs a login shell that runs commands (usermod -s /bin/bash), and "
        f"files of it that do not end it or hide its output ({FILES})",
        details=last_lines(start.words_of_login),
    )


def blames_password(start: Start) -> bool:
    """Return True if other hosts should not try the same password."""
    return any(re.search(words, start.words_of_sudo) for words, _, _ in OF_THE_PASSWORD)


def password_refused(start: Start) -> HostError:
    """Return the error for a sudo that asks for the password once more."""
    return _known_refusal(start) or _privilege_error(start, *WRONG_PASSWORD[1:])


def _sudo_refused(start: Start, code: int) -> HostError:
    return _known_refusal(start) or _privilege_error(
        start,
        f"could not become root: sudo ended with exit code {code}",
        "log in there and try: sudo -n -u root true",
    )


def _known_refusal(start: Start) -> HostError | None:
    for words, meaning, hint in REFUSALS:
        if re.search(words, start.words_of_sudo):
            return _privilege_error(start, meaning, hint)
    return None


def _privilege_error(start: Start, meaning: str, hint: str) -> HostError:
    details = last_lines(start.words_of_sudo)
    return PrivilegeError(f"{start.who} {meaning}", hint=hint, details=details)


def _text(printed: bytes | bytearray) -> str:
    return PROMPT.sub(b"", printed).decode("utf-8", "replace").strip()


def last_lines(text: str) -> list[str]:
    """Return the last lines of *text* that are not empty."""
    return [line for line in text.splitlines() if line.strip()][-10:]
