"""What is said around a script: that its shell runs, the sudo password, the end.

There is no wire here: a transport hands over what it hears, and sends what it is told.
"""

from __future__ import annotations

import math
import re
import shlex

from provision.errors import ApplyError, ConnectError, HostError, PrivilegeError
from provision.model.script import Script, Sink
from provision.transport.sudo_password import Password

START_LIMIT_S = 30.0
"""How long sudo and the login shell may take until ours runs."""
KILL_AFTER_S = 5
"""How long a script that met its limit gets to end before it is killed outright."""
STUCK_AFTER_S = 15.0
"""How long after that a script that does not even die is waited for."""
LOOK_S = 1.0
"""How often to see whether a script ended but left its output open to a daemon."""
END_WAIT_S = 5.0
"""How long a held script gets to end when its standard input has."""
KILLED = 137
"""The exit code of a script that a signal ended, or that would not die."""
KEEP_BYTES = 64 * 1024
"""How much of what is said before our shell runs is kept, to explain a refusal."""

READY = b"@provision-ready\n"
PROMPT = b"@provision-password:"

HELLO = r"printf '@provision-ready\n'; printf '@provision-ready\n' >&2"
"""The first line a shell gets: all that came before it was not ours."""

WRONG = "incorrect password"
REFUSALS = (
    (
        "a password is required|no password was provided",
        "may not run sudo without a password",
        "add --ask-become-pass, set ansible_become_password, or allow it with NOPASSWD "
        "in /etc/sudoers.d there",
    ),
    (
        "not in the sudoers file|not allowed to|may not run sudo",
        "may not run this with sudo",
        "allow ALL commands in /etc/sudoers.d, or set another ansible_user",
    ),
    (
        WRONG,
        "was refused by sudo: wrong password",
        "correct ansible_become_password, or what you typed; it was tried once",
    ),
    (
        "must have a tty",
        "may not run sudo without a terminal",
        "take requiretty out of /etc/sudoers",
    ),
    (
        r"sudo:? (command )?not found|sudo: No such file",
        "cannot become root: sudo is not installed",
        "install sudo there, or set ansible_user: root",
    ),
)
"""What sudo says, what that means (after USER@HOST), and what to do about it."""


def argv(*, sudo: bool, limit_s: float, password: bool = False) -> list[str]:
    """The command that reads a script: sudo, time limit on the host, shell."""
    ask = ["-S", "-p", PROMPT.decode()] if password else ["-n"]
    limit = ["timeout", "-k", str(KILL_AFTER_S), str(math.ceil(limit_s))]
    # sudo takes a second line for a second try, so nothing may follow the password
    # before our shell has said that it runs.
    shell = ["sh", "-c", f"{HELLO}; exec sh -s"] if password else ["sh", "-s"]
    return [
        *(["sudo", "-H", *ask] if sudo else []),
        *(limit if limit_s else []),
        *shell,
    ]


class RemoteShell:
    """One script's talk with the shell that runs it.

    Args:
        who: the user and host, for errors.
        script: sent once the way is free; its sinks get its output and nothing else.
        sudo: whether sudo stands in between.
        password: what sudo may ask for; the talk is the context in which it is tried.
    """

    def __init__(
        self,
        who: str,
        script: Script,
        *,
        sudo: bool,
        password: Password | None,
    ) -> None:
        self._who = who
        self._script = script.encoded
        self._password = password if sudo else None
        self._sudo = sudo
        self._out, self._err = _Gate(script.stdout), _Gate(script.stderr)
        self._asked = 0
        self.limit_s = script.limit_s
        self.argv = argv(sudo=sudo, limit_s=self.limit_s, password=bool(self._password))

    @property
    def command(self) -> str:
        """The command line for a login shell."""
        return shlex.join(self.argv)

    @property
    def begun(self) -> bool:
        """Whether the shell runs."""
        return self._out.open

    @property
    def patience_s(self) -> float:
        """How long after the start it is worth waiting, as things stand."""
        if not self.begun:
            return START_LIMIT_S
        if not self.limit_s:
            return math.inf
        return self.limit_s + KILL_AFTER_S + STUCK_AFTER_S

    def opening(self) -> bytes:
        """What to send at once."""
        return b"" if self._password else HELLO.encode() + b"\n" + self._script

    def hear(self, data: bytes) -> bytes:
        """Take standard output; give what to send now."""
        already = self.begun
        self._out.take(data)
        if not self._password or already or not self.begun:
            return b""
        if self._asked:
            self._password.accepted()
        return self._script

    def hear_error(self, data: bytes) -> bytes:
        """Take standard error; give what to send now.

        Raises:
            PrivilegeError: sudo wants the password a second time, or another host
                refused the same one.
        """
        self._err.take(data)
        asked = self._err.held.count(PROMPT)
        if not self._password or self.begun or asked == self._asked:
            return b""
        if self._asked:
            raise self._refused("incorrect password", 1)
        self._asked = asked
        return self._password.for_host(self._who)

    def result(self, code: int) -> int:
        """The exit code, if it is the script's own.

        Raises:
            PrivilegeError: sudo refused.
            ConnectError: the login shell ran nothing.
        """
        if self.begun:
            return code
        if self._sudo:
            raise self._refused(self._said(), code)
        raise ConnectError(
            f"{self._who} could log in, but no shell was started (exit code {code})",
            hint="the user needs a login shell, and `sh` and `timeout` on the PATH",
            details=_lines(self._said()),
        )

    def overdue(self) -> int:
        """The exit code of a script that began but would not die in time.

        Raises:
            ConnectError: the host did not get to running it.
        """
        if self.begun:
            return KILLED
        raise ConnectError(
            f"{self._who} could log in, but no shell ran within {START_LIMIT_S:g} s",
            hint="does sudo or the login shell ask for something there?",
            details=_lines(self._said()),
        )

    def __enter__(self) -> RemoteShell:
        return self

    def __exit__(self, *ended: object) -> None:
        if self._password:
            self._password.over(self._who)

    def _refused(self, said: str, code: int) -> HostError:
        if self._password and WRONG in said:
            self._password.refused(self._who)
        return _refusal(self._who, said, code)

    def _said(self) -> str:
        held = bytes(self._err.held + self._out.held).replace(PROMPT, b"")
        return held.decode("utf-8", "replace").strip()


def first_line(
    talk: RemoteShell, code: int, out: bytes | bytearray, err: bytes | bytearray
) -> str:
    """The first line of *out*, as soon as a held script printed one.

    Raises:
        ApplyError: it ended with *code* before.
        PrivilegeError: sudo refused.
    """
    line, end, _ = out.partition(b"\n")
    if end:
        return line.decode("utf-8", "replace")
    raise ApplyError(
        f"the script ended before its first line (exit code {talk.result(code)})",
        details=_lines(err.decode("utf-8", "replace")),
    )


class _Gate:
    """Keeps a stream back until the line that says our shell runs."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.open = False
        self.held = bytearray()

    def take(self, data: bytes) -> None:
        if self.open:
            self._sink(data)
            return
        self.held += data
        _, ready, rest = self.held.partition(READY)
        if ready:
            self.open = True
            self.held.clear()
            self._sink(bytes(rest))
        del self.held[:-KEEP_BYTES]


def _refusal(who: str, said: str, code: int) -> HostError:
    for pattern, meaning, hint in REFUSALS:
        if re.search(pattern, said):
            return PrivilegeError(f"{who} {meaning}", hint=hint, details=_lines(said))
    return PrivilegeError(
        f"{who} could not become root: sudo ended with exit code {code}",
        hint="log in there and try: sudo -n true",
        details=_lines(said),
    )


def _lines(said: str) -> list[str]:
    return [line for line in said.splitlines() if line.strip()][-10:]
