"""The conversation around a script: the start of its shell, sudo's password, the end.

No input or output is done here: a transport hands over what it receives, and sends what
it gets back.
"""

from __future__ import annotations

import math
import shlex

from provision.errors import ApplyError, HostError
from provision.model.script import Script
from provision.model.shell import TIMED_OUT
from provision.transport.remote_shell.refusals import (
    Start,
    blames_password,
    last_lines,
    password_refused,
)
from provision.transport.remote_shell.start import (
    KILL_AFTER_S,
    PROMPT,
    SHELL,
    START_LIMIT_S,
    StartFilter,
    argv,
    encoded,
)
from provision.transport.sudo_password import Password

STUCK_AFTER_S = 15.0
"""Seconds that the controller waits after that for a script that does not die."""
POLL_INTERVAL_S = 1.0
"""Seconds between checks for a script that ended while a daemon keeps its output open."""
END_WAIT_S = 5.0
"""Seconds that a held script gets to end after its standard input has ended."""
KILLED = 137
"""The exit code of a script that a signal ended, or that would not die."""


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
        self._script = encoded(script)
        self._password = password if sudo else None
        self._out, self._err = StartFilter(script.stdout), StartFilter(script.stderr)
        self._start = Start(
            who, sudo=sudo, become=script.become, out=self._out, err=self._err
        )
        self._asked = 0
        self._sent = not self._password
        self.limit_s = script.limit_s
        self._overdue = script.overdue
        self.cut = False
        self._cut_at_s = 0.0
        self.argv = argv(sudo=sudo, limit_s=self.limit_s, password=bool(self._password))

    def is_overdue(self, seconds: float) -> bool:
        """Return True, once, when the script has had its time: its input is to be ended.

        Args:
            seconds: since the start.
        """
        if self.cut or not self.started or not self._overdue():
            return False
        self.cut, self._cut_at_s = True, seconds
        return True

    @property
    def command(self) -> str:
        """The command line for a login shell."""
        return shlex.join(self.argv)

    @property
    def started(self) -> bool:
        """True once the shell has announced that it runs the script."""
        return self._out.open

    @property
    def deadline_s(self) -> float:
        """Seconds after the start when the controller stops waiting, as known now."""
        if not self.started:
            return START_LIMIT_S
        if self.cut:  # what does not die keeps its output open
            return self._cut_at_s + KILL_AFTER_S + STUCK_AFTER_S
        if not self.limit_s:
            return math.inf
        return self.limit_s + KILL_AFTER_S + STUCK_AFTER_S

    def initial_input(self) -> bytes:
        """Return what to send at once."""
        return self._script if self._sent else b""

    def on_stdout(self, data: bytes) -> bytes:
        """Take standard output; return what to send now."""
        self._out.take(data)
        if not self._password or self._sent or SHELL not in self._out.held:
            return b""
        # Not before: sudo reads a second line as a second attempt.
        self._sent = True
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
        if not self._password or self._sent or not self._err.login:
            return b""
        asked = len(PROMPT.findall(self._err.held))
        if asked == self._asked:
            return b""
        if self._asked:
            self._password.refused(self._who)
            raise password_refused(self._start)
        self._asked = asked
        return self._password.for_host(self._who)

    def result(self, code: int) -> int:
        """Return *code*, if it is the script's own.

        Raises:
            PrivilegeError: sudo refused, or the script would not run as root.
            ConnectError: the login shell did not start our shell, or hides its output.
        """
        if self._out.open and self._err.open:
            return TIMED_OUT[0] if self.cut else code
        raise self._refused(self._start.ended(code))

    def on_timeout(self) -> int:
        """Return the exit code of a script that started but did not end in time.

        Raises:
            PrivilegeError: sudo did not start our shell.
            ConnectError: the login shell did not, or our shell got no input.
        """
        if self.started:
            return KILLED
        raise self._start.too_slow()

    def __enter__(self) -> RemoteShell:
        return self

    def __exit__(self, *ended: object) -> None:
        if self._password:
            self._password.finish(self._who)

    def _refused(self, error: HostError) -> HostError:
        if self._password and self._asked and blames_password(self._start):
            self._password.refused(self._who)
        return error


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
        details=last_lines(err.decode("utf-8", "replace")),
    )
