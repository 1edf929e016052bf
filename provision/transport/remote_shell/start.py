"""The start of a shell on a host, which passes four marks on its way to the script.

    login shell -> `@provision-login` -> sudo -> `@provision-shell` -> `@provision-ready`

Each mark says that what is before it did its part, so that what ends or hangs is known by
name. The line before the last mark is a trap: our shell reads it, another one runs it.
"""

from __future__ import annotations

import math
import re

from provision.model.script import Script, Sink
from provision.model.shell_file import read_shell

START_LIMIT_S = 30.0
"""Seconds that sudo and the login shell may take until our shell runs."""
KILL_AFTER_S = 5
"""Seconds that a script gets to end after its limit, before the host kills it."""
KEEP_BYTES = 64 * 1024
"""Bytes kept of what was printed before our shell runs, to explain a failure."""

LOGIN = b"@provision-login\n"
"""The login shell, if there is one, ran our command."""
SHELL = b"@provision-shell\n"
"""Our shell was started, by sudo if the script is for root."""
READY = b"@provision-ready\n"
"""Our shell reads the script, and runs as the user that the script is for."""
OTHER_SHELL = re.compile(rb"@provision-other-shell\n(.*)")
"""A shell that we did not start read the script; its user."""
NOT_ROOT = re.compile(rb"@provision-not-root (.*)\n")
"""Our shell does not run as root; its user."""
INPUT_LOST = b"@provision-input-lost\n"
"""Our shell did not get the first line that was sent to it."""
PROMPT = re.compile(
    rb"(?:\[sudo: )?@provision-password:(?:\] Password: ?)?"
    rb"|\[sudo: authenticate\] Password:|Password for [^\n:]*:"
)
"""The question of sudo; of sudo-rs, with our prompt and without; of Kerberos."""

_MARK_LOGIN = (
    "read -r namespace </proc/self/uid_map; "
    "export LC_ALL=C SUDO_PROMPT=@provision-password:; "
    'printf "@provision-login\\n"; printf "@provision-login\\n" >&2; '
)
"""The words that sudo is known by are English; so is the prompt of PAM, that it replaces.

One line: a login shell may be csh, where no word has several.
"""
_MARK_SHELL = (
    'printf "@provision-shell\\n"; IFS= read -r line; '
    'case $line in "echo @provision-other-shell;"*) {start};; esac; '
    'printf "@provision-input-lost\\n"; exit 97'
)
BEFORE_SUDO = _MARK_LOGIN + 'exec "$@" "$namespace"'
AFTER_SUDO = _MARK_SHELL.format(start='exec sh -s provision "$1"')
WITHOUT_SUDO = _MARK_LOGIN + _MARK_SHELL.format(
    start='exec "$@" sh -s provision "$namespace"'
)
"""Both in one shell, since each shell takes the host a millisecond."""
TRAP = "echo @provision-other-shell; id -un; exit 97"
"""The first line of input: a shell that runs it is not the one that we started.

Such as one that the login shell's files put in its place. In words that all shells have.
"""
START = read_shell(__file__, "start.sh")


def argv(*, sudo: bool, limit_s: float, password: bool = False) -> list[str]:
    """Return the command that reads a script: sudo, time limit on the host, shell.

    Args:
        sudo: as root; by name, since sudoers may have another user as default.
        limit_s: seconds after which the host kills the script; 0 = never.
        password: let sudo read a password from standard input.
    """
    as_root = ["sudo", "-H", "-S" if password else "-n", "-u", "root", "--"]
    timeout = ["timeout", "-k", str(KILL_AFTER_S), str(math.ceil(limit_s))]
    limit = timeout if limit_s else []
    if not sudo:
        return [*_shell(WITHOUT_SUDO), *limit]
    return [*_shell(BEFORE_SUDO), *as_root, *limit, *_shell(AFTER_SUDO)]


def _shell(text: str) -> list[str]:
    """Return the words of a shell that runs *text*; what follows is its arguments."""
    return ["sh", "-c", text, "sh"]


def encoded(script: Script) -> bytes:
    """Return *script* as it is sent: the trap, the proof, and the script itself."""
    as_root = "true" if script.become else "false"
    start = f"{TRAP}\n{{\nas_root={as_root}\n{START}}}\n"
    return start.encode() + script.encoded


class StartFilter:
    """Withholds a stream until the mark of a shell that is ready.

    Attributes:
        login: true once the login shell ran our command.
        open: true once our shell is ready; then *sink* gets everything.
        before_login: the bytes printed before our command ran.
        held: the bytes printed since, until the shell is ready.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.login = False
        self.open = False
        self.before_login = bytearray()
        self.held = bytearray()

    def take(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        if self.open:
            self._sink(data)
            return
        self.held += data
        if not self.login:
            self._find_login()
        if self.login:
            self._find_ready()
        del self.held[:-KEEP_BYTES]

    def _find_login(self) -> None:
        before, mark, after = self.held.partition(LOGIN)
        if mark:
            self.login, self.before_login, self.held = True, before, after

    def _find_ready(self) -> None:
        _, mark, after = self.held.partition(READY)
        if mark:
            self.open = True
            self.held.clear()
            self._sink(bytes(after))
