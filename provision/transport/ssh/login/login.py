"""One login: tries keys, then the password, until sshd has all that it wants.

sshd may want several (AuthenticationMethods): each success that is not yet enough begins
another stage, with the methods that sshd names for it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import paramiko

from provision.config.ssh import SshSettings
from provision.errors import AuthError
from provision.transport.ssh.login import signatures
from provision.transport.ssh.login.agent import AgentError, connected
from provision.transport.ssh.login.identities import Identities, Identity
from provision.transport.ssh.login.public_key import with_suffix
from provision.transport.ssh.login.userauth import Hangup, Reply, UserAuth
from provision.transport.ssh.peer import PeerTransport

KEY, INTERACTIVE, PASSWORD = "publickey", "keyboard-interactive", "password"
NEW_PASSWORD = re.compile(r"(?i)\b(new|retype|current|old)\b.*\bpassword")
"""A prompt of PAM's when it wants the password to be changed."""
EXPIRED_PASSWORD = re.compile(
    r"(?i)required to change your password|password (has )?expired"
)
"""The text before such prompts."""


@dataclass(slots=True)
class Attempts:
    """The record of a login, for the error that may follow.

    Attributes:
        tried: the attempts, in words.
        keys: how many keys sshd was offered.
        more_keys: how many are left.
        unsigned: keys of which no signature can be used, and why.
        taken: the attempts that sshd accepted, but wants more than.
        wanted: the methods that sshd would go on with.
        prompts: questions that were left without an answer.
        new_password: sshd wants another password to be set.
        judging: the attempt that sshd has not replied to.
    """

    tried: list[str] = field(default_factory=list)
    keys: int = 0
    more_keys: int = 0
    unsigned: dict[str, str] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)
    wanted: tuple[str, ...] = ()
    prompts: list[str] = field(default_factory=list)
    new_password: bool = False
    judging: str = ""


class LoginFailed(paramiko.SSHException):
    """Raised when the login failed; the `Login` has the details.

    *hangup*: sshd ended the connection.
    """

    def __init__(self, *, hangup: bool) -> None:
        super().__init__("the login failed")
        self.hangup = hangup


class Login:
    """Logs in over an open transport; paramiko calls it an authentication strategy.

    Args:
        target: how to reach the host, and the keys that ssh_config names.
        key_file: the key that the inventory names.
        password: the password that the inventory has.
        limit_s: longest time sshd may take for each reply.
        by_keys_alone: a jump host, which no variable has a password for.

    Attributes:
        attempts: what was tried.
        identities: the keys there are, and the files of no use.
        said: the lines that sshd sent.

    Raises:
        AuthError: *key_file* does not exist.
    """

    def __init__(
        self,
        target: SshSettings,
        key_file: Path | None,
        password: str | None,
        limit_s: float,
        *,
        by_keys_alone: bool = False,
    ) -> None:
        self.user, self.by_keys_alone = target.user, by_keys_alone
        self._target, self._limit_s = target, limit_s
        self._password, self._password_sent = password, False
        self.attempts = Attempts()
        self.identities = Identities(
            (*_existing(key_file), *target.identity_files),
            target.certificate_files,
            only=target.identities_only,
            defaults=target.default_keys,
        )
        self.said: list[str] = []

    @property
    def has_password(self) -> bool:
        """True if there is a password to send."""
        return self._password is not None

    def authenticate(self, transport: PeerTransport) -> None:
        """Log in.

        Raises:
            LoginFailed: sshd wants something else, or hung up.
            LoginTimeout: sshd did not reply in time.
        """
        option = self._target.algorithms.get("pubkeyacceptedalgorithms", "")
        permitted = signatures.allowed(option)
        auth = UserAuth(transport, self.user, self._limit_s, permitted)
        self.said = auth.said
        with connected(self._target.identity_agent) as self.identities.agent:
            keys = iter(self.identities)
            try:
                self._log_in(auth, keys)
            except Hangup as error:
                raise LoginFailed(hangup=True) from error
            finally:
                if not auth.is_authenticated():
                    self.attempts.more_keys = sum(1 for _ in keys)

    def _log_in(self, auth: UserAuth, keys: Iterator[Identity]) -> None:
        """Go on from stage to stage."""
        auth.begin()
        reply = self._first_key(auth, keys)
        if not (reply.success or reply.methods):
            reply = auth.ask_methods()
        while not reply.success:
            self.attempts.wanted, self._password_sent = reply.methods, False
            reply = self._stage(auth, reply.methods, keys)
            if not (reply.success or reply.partial):
                raise LoginFailed(hangup=False)

    def _first_key(self, auth: UserAuth, keys: Iterator[Identity]) -> Reply:
        """Try a key before sshd has said whether it wants one: a round trip is saved.

        Not where a password may do: a wrong key is one of the tries that sshd allows.
        """
        if self._password is not None or _allowed(self._target)[:1] != [KEY]:
            return Reply()
        return next(self._try_keys(auth, keys), Reply())

    def _stage(
        self, auth: UserAuth, methods: Sequence[str], keys: Iterator[Identity]
    ) -> Reply:
        """Try what there is for those of *methods* that ssh_config allows."""
        for method in filter(methods.__contains__, _allowed(self._target)):
            for reply in self._attempts_by[method](self, auth, keys):
                if reply.success or reply.partial:
                    return reply
        return Reply()

    def _try_keys(self, auth: UserAuth, keys: Iterator[Identity]) -> Iterator[Reply]:
        for key in keys:
            title = key.title
            if reason := auth.unusable(key):
                self.attempts.unsigned[title] = reason
                continue
            self.attempts.keys += 1
            try:
                yield self._attempt(title, functools.partial(auth.try_key, key))
            except AgentError as error:
                self.attempts.tried[-1] = f"{title}: {error}"

    def _try_prompts(self, auth: UserAuth, keys: object) -> Iterator[Reply]:
        if self._password is not None:
            title = "the password, by keyboard-interactive"
            yield self._attempt(title, lambda: auth.answer_prompts(self._answer))
            if not self._password_sent:
                self.attempts.tried.pop()

    def _try_password(self, auth: UserAuth, keys: object) -> Iterator[Reply]:
        """Send the password, unless it was refused already: accounts get locked."""
        password = self._password
        if password is not None and not self._password_sent:
            self._password_sent = True
            yield self._attempt("the password", lambda: auth.send_password(password))

    def _attempt(self, title: str, attempt: Callable[[], Reply]) -> Reply:
        self.attempts.tried.append(title)
        self.attempts.judging = title
        reply = attempt()
        self.attempts.judging = ""
        if reply.partial:
            self.attempts.taken.append(self.attempts.tried.pop())
        return reply

    def _answer(
        self, above: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str] | None:
        """Answer hidden prompts by the password; never one that shows what is typed."""
        texts = [text for text, _ in prompts]
        change = any(map(NEW_PASSWORD.search, texts))
        change |= bool(EXPIRED_PASSWORD.search(above))
        self.attempts.new_password |= change
        if change or any(shown for _, shown in prompts) or self._password is None:
            self.attempts.prompts = texts
            return None
        self._password_sent |= bool(prompts)
        return [self._password for _ in prompts]

    _attempts_by: ClassVar = {
        KEY: _try_keys,
        INTERACTIVE: _try_prompts,
        PASSWORD: _try_password,
    }


def _allowed(target: SshSettings) -> list[str]:
    """Return the methods that ssh_config allows, in its order or else in ssh's."""
    allowed = {
        KEY: target.pubkey_authentication,
        INTERACTIVE: target.keyboard_interactive,
        PASSWORD: target.password_authentication,
    }
    return [m for m in target.preferred_authentications or allowed if allowed.get(m)]


def _existing(key_file: Path | None) -> Iterator[Path]:
    """Yield the key that the inventory names, if it names one.

    Raises:
        AuthError: neither it nor its public key exists.
    """
    if key_file is None:
        return
    path = key_file.expanduser()
    if not path.exists() and not with_suffix(path, ".pub").exists():
        raise AuthError(
            f"the key file {key_file} does not exist",
            hint="correct ansible_ssh_private_key_file",
        )
    yield path
