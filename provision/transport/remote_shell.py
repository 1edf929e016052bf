"""The conversation around a script: the start of its shell, sudo's password, the end.

No input or output is done here: a transport hands over what it receives, and sends what
it gets back.
"""

from __future__ import annotations

import math
import re
import shlex

from provision.errors import ApplyError, ConnectError, HostError, PrivilegeError
from provision.model.script import Script, Sink
from provision.transport.sudo_password import Password

START_LIMIT_S = 30.0
"""Seconds that sudo and the login shell may take until our shell runs."""
KILL_AFTER_S = 5
"""Seconds that a script gets to end after its limit, before the host kills it."""
STUCK_AFTER_S = 15.0
"""Seconds that the controller waits after that for a script that does not die."""
POLL_INTERVAL_S = 1.0
"""Seconds between checks for a script that ended while a daemon keeps its output open."""
END_WAIT_S = 5.0
"""Seconds that a held script gets to end after its standard input has ended."""
KILLED = 137
"""The exit code of a script that a signal ended, or that would not die."""
KEEP_BYTES = 64 * 1024
"""Bytes kept of what was printed before our shell runs, to explain a failure."""

READY = b"@provision-ready\n"
PROMPT = b"@provision-password:"

ANNOUNCE = r"printf '@provision-ready\n'; printf '@provision-ready\n' >&2"
"""The first line that a shell runs: what came before it is not the script's output."""

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
        "correct ansible_become_password, or type it again; it was tried only once",
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
"""A pattern for sudo's output, its meaning (after USER@HOST), and what to do about it."""


def argv(*, sudo: bool, limit_s: float, password: bool = False) -> list[str]:
    """Return the command that reads a script: sudo, time limit on the host, shell."""
    ask = ["-S", "-p", PROMPT.decode()] if password else ["-n"]
    limit = ["timeout", "-k", str(KILL_AFTER_S), str(math.ceil(limit_s))]
    # sudo reads a second line as a second attempt, so nothing may follow the password
    # before our shell has announced that it runs.
    shell = ["sh", "-c", f"{ANNOUNCE}; exec sh -s"] if password else ["sh", "-s"]
    return [
        *(["sudo", "-H", *ask] if sudo else []),
        *(limit if limit_s else []),
        *shell,
    ]


class RemoteShell:
    """The shell that runs one script, from its start to its end.

    Args:
        who: the user and host, for errors.
        script: sent once the way is free; its sinks get its output and nothing else.
        sudo: start it through sudo.
        password: sent if sudo asks for it; this object is the context of that attempt.
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
        self._out, self._err = _StartFilter(script.stdout), _StartFilter(script.stderr)
        self._asked = 0
        self.limit_s = script.limit_s
        self.argv = argv(sudo=sudo, limit_s=self.limit_s, password=bool(self._password))

    @property
    def command(self) -> str:
        """The command line for a login shell."""
        return shlex.join(self.argv)

    @property
    def started(self) -> bool:
        """True once the shell has announced that it runs."""
        return self._out.open

    @property
    def deadline_s(self) -> float:
        """Seconds after the start when the controller stops waiting, as known now."""
        if not self.started:
            return START_LIMIT_S
        if not self.limit_s:
            return math.inf
        return self.limit_s + KILL_AFTER_S + STUCK_AFTER_S

    def initial_input(self) -> bytes:
        """Return what to send at once."""
        return b"" if self._password else ANNOUNCE.encode() + b"\n" + self._script

    def on_stdout(self, data: bytes) -> bytes:
        """Take standard output; return what to send now."""
        was_started = self.started
        self._out.take(data)
        if not self._password or was_started or not self.started:
            return b""
        if self._asked:
            self._password.accepted()
        return self._script

    def on_stderr(self, data: bytes) -> bytes:
        """Take standard error; return what to send now.

        Raises:
            PrivilegeError: sudo wants the password a second time, or another host
                refused the same one.
        """
        self._err.take(data)
        asked = self._err.held.count(PROMPT)
        if not self._password or self.started or asked == self._asked:
            return b""
        if self._asked:
            raise self._sudo_error("incorrect password", 1)
        self._asked = asked
        return self._password.for_host(self._who)

    def result(self, code: int) -> int:
        """Return *code*, if it is the script's own.

        Raises:
            PrivilegeError: sudo refused.
            ConnectError: the login shell ran nothing.
        """
        if self.started:
            return code
        if self._sudo:
            raise self._sudo_error(self._early_output(), code)
        raise ConnectError(
            f"{self._who} could log in, but no shell was started (exit code {code})",
            hint="the user needs a login shell that runs commands, and `sh` and `timeout` on "
            "its PATH",
            details=_lines(self._early_output()),
        )

    def on_timeout(self) -> int:
        """Return the exit code of a script that started but did not end in time.

        Raises:
            ConnectError: its shell did not start.
        """
        if self.started:
            return KILLED
        raise ConnectError(
            f"{self._who} could log in, but no shell ran within {START_LIMIT_S:g} s",
            hint="log in there and see whether sudo or the login shell waits for input",
            details=_lines(self._early_output()),
        )

    def __enter__(self) -> RemoteShell:
        return self

    def __exit__(self, *ended: object) -> None:
        if self._password:
            self._password.finish(self._who)

    def _sudo_error(self, output: str, code: int) -> HostError:
        if self._password and WRONG in output:
            self._password.refused(self._who)
        return _refusal(self._who, output, code)

    def _early_output(self) -> str:
        held = bytes(self._err.held + self._out.held).replace(PROMPT, b"")
        return held.decode("utf-8", "replace").strip()


def first_line(
    shell: RemoteShell, code: int, out: bytes | bytearray, err: bytes | bytearray
) -> str:
    """Return the first line of *out*, once a held script has printed it.

    Raises:
        ApplyError: the script ended with *code* before.
        PrivilegeError: sudo refused.
    """
    line, end, _ = out.partition(b"\n")
    if end:
        return line.decode("utf-8", "replace")
    raise ApplyError(
        f"the script ended before its first line (exit code {shell.result(code)})",
        details=_lines(err.decode("utf-8", "replace")),
    )


class _StartFilter:
    """Withholds a stream until the line that announces our shell."""

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


def _refusal(who: str, output: str, code: int) -> HostError:
    for pattern, meaning, hint in REFUSALS:
        if re.search(pattern, output):
            return PrivilegeError(f"{who} {meaning}", hint=hint, details=_lines(output))
    return PrivilegeError(
        f"{who} could not become root: sudo ended with exit code {code}",
        hint="log in there and try: sudo -n true",
        details=_lines(output),
    )


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()][-10:]
