"""The error to show when connecting failed: who said what, and what to do."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass

import paramiko

from provision.errors import ConnectError, ProtocolError
from provision.transport.ssh.login.login import Login, LoginFailed
from provision.transport.ssh.login.refusal import refusal
from provision.transport.ssh.login.userauth import Hangup, LoginTimeout

MOST_LINES = 20
"""Lines shown of what the other side said."""
NOT_FOUND = (126, 127)
"""Exit codes of a shell that cannot run a command."""
PROHIBITED = 1
"""The code of a jump host that forwards nothing (RFC 4254, section 5.1)."""
CLOSED = (EOFError, ConnectionResetError, BrokenPipeError, Hangup)

PROBLEMS = (
    (
        socket.gaierror,
        "",
        "the name in {where} does not resolve ({error})",
        "correct ansible_host, or add the name to DNS or /etc/hosts",
    ),
    (
        TimeoutError,
        "",
        "no answer from {where} within {limit_s:g} s",
        "check that the host is up and that no firewall drops that port",
    ),
    (
        ConnectionRefusedError,
        "",
        "{where} refused the connection",
        "check that the host is on, that sshd runs there and that ansible_port is right",
    ),
    (
        paramiko.ChannelException,
        "",
        "the jump host cannot reach {where} ({error})",
        "check that the host is up and that the jump host allows forwarding "
        "(AllowTcpForwarding)",
    ),
    (
        paramiko.SSHException,
        "(?i)banner",
        "{where} accepted the connection but sent no SSH banner within {limit_s:g} s",
        "check that sshd listens on that port and allows more logins (MaxStartups)",
    ),
    (
        (paramiko.SSHException, LoginTimeout),
        "^LoginTimeout$|(?i:timeout)",
        "{where} did not continue the login within {limit_s:g} s",
        "check the load of the host",
    ),
    (
        CLOSED,
        "",
        "{where} closed the connection before the login",
        "read sshd's log there; if it has nothing, something before it turns this address "
        "away (fail2ban, hosts.deny, a firewall); if it has MaxStartups, try again",
    ),
)
"""Kinds of errors, a pattern for their text, their meaning, and what to do."""

TURNED_AWAY = (
    (
        # Since OpenSSH 9.8, also where MaxStartups is the reason.
        "Not allowed at this time",
        "{where} turns this address away for now: after failed or unfinished logins "
        "(PerSourcePenalties), or while too many are under way (MaxStartups)",
        "it ends by itself, after seconds up to 10 minutes (`max` of PerSourcePenalties); "
        "sshd's log there says which of them it is; mend what failed before, or name this "
        "machine in PerSourcePenaltyExemptList of its sshd_config",
    ),
    (
        "Exceeded MaxStartups",
        "{where} has too many logins under way (MaxStartups)",
        "try again, or raise MaxStartups in its sshd_config",
    ),
)
"""Lines of sshd instead of its greeting, their meaning, and what to do."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The words of the other side.

    Attributes:
        before: lines before, or instead of, its greeting.
        greeted: it sent the greeting of an SSH server.
        ended: it closed the connection.
        farewell: its words when it ended the connection.
        incompatible: the problem, and what to do, if no algorithm is in common.
        proxy_exit: the exit code of the proxy command, if it has ended.
        proxy_errors: the end of its standard error.
    """

    before: Sequence[str] = ()
    greeted: bool = False
    ended: bool = False
    farewell: str = ""
    incompatible: tuple[str, str] = ("", "")
    proxy_exit: int | None = None
    proxy_errors: Sequence[str] = ()


def explain(
    error: Exception,
    who: str,
    where: str,
    login: Login,
    timeout_s: float,
    heard: Heard,
) -> ConnectError:
    """Return the error to show after connecting to *where* as *who* failed."""
    lines = [*heard.before, *login.said, *filter(None, [heard.farewell])]
    details = [
        *(f"ProxyCommand said: {line}" for line in heard.proxy_errors[-MOST_LINES:]),
        *(f"sshd said: {line}" for line in lines[-MOST_LINES:]),
    ]
    if isinstance(error, LoginFailed) and (not error.hangup or login.attempts.judging):
        return refusal(who, login, heard.farewell, hangup=error.hangup, said=details)
    made = _incompatible(error, who, where, heard) or _unreachable(
        _cause(error, heard), who, where, timeout_s, heard
    )
    made.details = tuple(details)
    return made


def _incompatible(
    error: Exception, who: str, where: str, heard: Heard
) -> ProtocolError | None:
    """Return the error of a peer that will never do as it is, or None."""
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        problem, hint = heard.incompatible
        version = re.search(r"Incompatible version \((\S+)", str(error))
        if version:
            problem, hint = (
                f"it speaks SSH {version[1]}, not 2.0",
                "update its SSH server",
            )
        return ProtocolError(f"{who}: cannot talk to {where}: {problem}", hint=hint)
    if heard.before and not heard.greeted and not _turned_away(heard):
        return ProtocolError(
            f"{who}: what answers at {where} is not an SSH server",
            hint="correct ansible_host or ansible_port",
        )
    return None


def _unreachable(
    error: BaseException, who: str, where: str, limit_s: float, heard: Heard
) -> ConnectError:
    """Return the error of a peer that may do later."""
    text = _text(error)
    if heard.proxy_exit is not None:
        problem = (
            f"the proxy command to {where} ended with exit code {heard.proxy_exit}"
        )
        made = ConnectError(f"{who}: {problem}", hint="correct ProxyCommand")
        made.final = heard.proxy_exit in NOT_FOUND
        return made
    if meaning := _turned_away(heard):
        problem, hint = meaning
        return ConnectError(f"{who}: {problem.format(where=where)}", hint=hint)
    for kinds, pattern, problem, hint in PROBLEMS:
        if isinstance(error, kinds) and re.search(pattern, text):
            meaning_of = problem.format(where=where, limit_s=limit_s, error=text)
            made = ConnectError(f"{who}: {meaning_of}", hint=hint)
            made.final = getattr(error, "code", None) == PROHIBITED
            return made
    return ConnectError(f"{who}: connecting to {where} failed: {text}")


def _turned_away(heard: Heard) -> tuple[str, str] | None:
    for text, problem, hint in TURNED_AWAY:
        if any(text in line for line in heard.before):
            return problem, hint
    return None


def _cause(error: Exception, heard: Heard) -> BaseException:
    """Return what ended the connection, where paramiko only says that it ended."""
    if isinstance(error, LoginFailed):
        return error.__cause__ or error
    if isinstance(error, paramiko.SSHException) and heard.ended and not heard.greeted:
        return EOFError()
    return error


def _text(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error).strip()
    return text or type(error).__name__
