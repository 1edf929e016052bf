"""Logging in: the order of the keys to try, and the reason when none works."""

from __future__ import annotations

import contextlib
import functools
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from paramiko.auth_strategy import (
    AuthFailure,
    AuthSource,
    AuthStrategy,
    InMemoryPrivateKey,
    Password,
)

from provision.config.ssh import SshSettings
from provision.errors import AuthError, ConnectError
from provision.transport.ssh.known_hosts import fingerprint

DEFAULT_KEYS = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")
ENCRYPTED = "needs a passphrase"

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
        "check that sshd runs there and that ansible_port is right",
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
        (paramiko.SSHException, EOFError),
        "No existing session|(?i:timeout)",
        "{where} did not continue the login within {limit_s:g} s",
        "check the load of the host",
    ),
    (
        (EOFError, ConnectionResetError, BrokenPipeError),
        "",
        "{where} closed the connection before the login",
        "read sshd's log there; it may not allow more logins (MaxStartups)",
    ),
)
"""Kinds of errors, a pattern for their text, their meaning, and what to do."""


class Login(AuthStrategy):
    """The inventory's key, those of ssh_config, the agent's, the default ones, a password.

    Args:
        target: how to reach the host.
        key_file: the key the inventory names.
        password: the password the inventory has.

    Raises:
        AuthError: *key_file* cannot be used at all.
    """

    def __init__(
        self, target: SshSettings, key_file: Path | None, password: str | None
    ) -> None:
        super().__init__(ssh_config=paramiko.SSHConfig())
        self._user = target.user
        self._password = password
        self._files = [*([key_file] if key_file else []), *target.identity_files]
        self._agent = not target.identities_only
        self._defaults = not self._files and not target.identities_only
        self.tried: list[str] = []
        self.unusable: list[tuple[Path, str]] = []
        if key_file and not key_file.expanduser().exists():
            raise AuthError(
                f"the key file {key_file} does not exist",
                hint="correct ansible_ssh_private_key_file",
            )

    def get_sources(self) -> Iterator[AuthSource]:
        """Yield the keys to try, in order; each is loaded only when its turn comes."""
        yield from self._from_files(self._files)
        if self._agent:
            yield from self._from_agent()
        if self._defaults:
            files = [Path(name).expanduser() for name in DEFAULT_KEYS]
            yield from self._from_files([path for path in files if path.exists()])
        if self._password is not None:
            password = self._password
            self.tried.append("the password")
            yield Password(self._user, lambda: password)

    def _from_files(self, files: list[Path]) -> Iterator[AuthSource]:
        for path in files:
            key = load_key(path.expanduser())
            if isinstance(key, str):
                self.unusable.append((path, key))
            else:
                self.tried.append(f"{path} ({fingerprint(key.asbytes())})")
                yield InMemoryPrivateKey(self._user, key)

    def _from_agent(self) -> Iterator[AuthSource]:
        with contextlib.suppress(paramiko.SSHException, OSError):
            agent = paramiko.Agent()
            try:
                for key in agent.get_keys():
                    name = key.comment or "key"
                    self.tried.append(f"{name} of the agent ({_print_of(key)})")
                    yield InMemoryPrivateKey(self._user, key)
            finally:
                agent.close()


def _print_of(key: paramiko.PKey) -> str:
    return fingerprint(key.asbytes())


def load_key(path: Path) -> paramiko.PKey | str:
    """Return the key in *path*, or the reason why not; read again when changed."""
    try:
        stat = path.stat()
    except OSError as error:
        return error.strerror or str(error)
    return _load_key(path, (stat.st_mtime_ns, stat.st_size, stat.st_ino))


@functools.lru_cache(maxsize=256)
def _load_key(path: Path, stamp: tuple[int, ...]) -> paramiko.PKey | str:
    try:
        return paramiko.PKey.from_path(path)
    except (TypeError, paramiko.PasswordRequiredException):
        # cryptography raises TypeError for a missing passphrase.
        return ENCRYPTED
    except OSError as error:
        return error.strerror or str(error)
    except (ValueError, paramiko.SSHException, UnsupportedAlgorithm):
        return "is not a private key of a known type"


def explain(
    error: Exception, who: str, where: str, login: Login, timeout_s: float
) -> ConnectError:
    """Return the error to show after connecting to *where* as *who* failed."""
    error = _cause(error)
    if isinstance(error, paramiko.AuthenticationException):
        return _refused(who, login)
    text = _text(error)
    for kinds, pattern, problem, hint in PROBLEMS:
        if isinstance(error, kinds) and re.search(pattern, text):
            meaning = problem.format(where=where, limit_s=timeout_s, error=text)
            return ConnectError(f"{who}: {meaning}", hint=hint)
    return ConnectError(f"{who}: connecting to {where} failed: {text}")


def _cause(error: Exception) -> Exception:
    """Return the refusal of a login, or another cause of its end, such as a time-out."""
    if not isinstance(error, AuthFailure):
        return error
    causes = [one.result for one in error.result if isinstance(one.result, Exception)]
    others = [cause for cause in causes if not _is_refusal(cause)]
    return others[0] if causes and len(others) == len(causes) else error


def _is_refusal(error: Exception) -> bool:
    refusal = isinstance(error, paramiko.AuthenticationException)
    return refusal and "timeout" not in str(error).lower()


def _refused(who: str, login: Login) -> AuthError:
    tried = [f"tried {one}" for one in login.tried]
    unusable = [f"not tried: {path} {reason}" for path, reason in login.unusable]
    return AuthError(
        f"{who}: login refused", hint=_advice(login), details=[*tried, *unusable]
    )


def _advice(login: Login) -> str:
    for path, reason in login.unusable:
        if reason == ENCRYPTED:
            return f"the key is encrypted and not in the agent: ssh-add {path}"
        return f"{path} {reason}"
    if not login.tried:
        return (
            "there is no key to try: set ansible_ssh_private_key_file, or use ssh-add"
        )
    return (
        "add the public key to the user's authorized_keys there, or correct "
        "ansible_user or ansible_ssh_private_key_file"
    )


def _text(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error).strip()
    return text or type(error).__name__
