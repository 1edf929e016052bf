"""The authentication protocol of SSH, one request at a time (RFC 4252 and 4256).

Paramiko's own tells neither which methods may follow nor what sshd says, has the agent sign
before it is known that a key is wanted, and takes the first of two factors for a login.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import paramiko
from paramiko import common

from provision.transport.ssh.login import signatures
from provision.transport.ssh.login.identities import Identity
from provision.transport.ssh.login.public_key import CERTIFICATE, key_type
from provision.transport.ssh.peer import PeerTransport

SERVICE = "ssh-userauth"
METHOD_MESSAGE = 60
"""The message whose meaning depends on the method: a key is wanted, prompts follow, or a
new password is."""
MOST_ROUNDS = 8
"""Times that sshd may ask within one keyboard-interactive attempt."""


class Hangup(paramiko.SSHException):
    """Raised when sshd ended the connection instead of replying."""


class LoginTimeout(paramiko.SSHException):
    """Raised when sshd did not reply in time."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply to an attempt.

    Attributes:
        success: logged in.
        partial: right, but not enough.
        methods: those that may follow.
    """

    success: bool = False
    partial: bool = False
    methods: tuple[str, ...] = ()


Answer = Callable[[str, Sequence[tuple[str, bool]]], list[str] | None]
"""Answers prompts, each with whether its answer is shown; None to give up. The first
argument is the text above them."""


class UserAuth:
    """The authentication of *user* over *peer*; waits *limit_s* for each reply.

    Keys are used with the *permitted* signatures. Paramiko's thread hands over the messages by `_handler_table`, and ends by `abort`.

    Attributes:
        said: what sshd has said so far, line by line.
    """

    def __init__(
        self,
        peer: PeerTransport,
        user: str,
        limit_s: float,
        permitted: Collection[str] = signatures.ALL,
    ) -> None:
        self._peer, self._user, self._limit_s = peer, user, limit_s
        self._permitted = permitted
        self._received: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        self._authenticated = False
        self.said: list[str] = []
        kept = (
            common.MSG_SERVICE_ACCEPT,
            common.MSG_USERAUTH_FAILURE,
            METHOD_MESSAGE,
        )
        self._handler_table = {kind: self._keeper(kind) for kind in kept} | {
            common.MSG_USERAUTH_SUCCESS: self._succeed,
            common.MSG_USERAUTH_BANNER: lambda m: self.said.extend(lines(m)),
        }
        peer.log_in(self)

    def is_authenticated(self) -> bool:
        """Tell whether the login is complete."""
        return self._authenticated

    def _keeper(self, kind: int) -> Callable[[Any], None]:
        return lambda message: self._received.put((kind, message))

    def _succeed(self, message: Any) -> None:
        # In paramiko's thread, before it reads what may follow.
        self._authenticated = True
        self._peer.logged_in()
        self._received.put((common.MSG_USERAUTH_SUCCESS, message))

    def abort(self) -> None:
        """Wake up who waits for a reply: the connection has ended."""
        self._received.put((common.MSG_DISCONNECT, None))

    def begin(self) -> None:
        """Ask for the service of authentication, before any attempt.

        Raises:
            Hangup: sshd ended the connection.
            LoginTimeout: there is no reply in time.
        """
        request = paramiko.Message()
        request.add_byte(bytes([common.MSG_SERVICE_REQUEST]))
        request.add_string(SERVICE)
        self._peer.send(request)
        self._receive()

    def ask_methods(self) -> Reply:
        """Ask for the methods that may begin a login, as ssh does, by the method "none".

        Raises:
            Hangup: sshd ended the connection.
            LoginTimeout: there is no reply in time.
        """
        self._peer.send(self._request("none"))
        return self._reply()

    def try_key(self, identity: Identity) -> Reply:
        """Log in with a key; ask the agent to sign only if sshd would accept its key.

        The agent may ask a person to touch a key or to confirm; a file costs no more
        than the signature, which is cheaper than a round trip.

        Raises:
            AgentError: the agent did not sign.
            Hangup: sshd ended the connection.
            LoginTimeout: there is no reply in time.
        """
        named, signing = self._algorithms(key_type(identity.blob))
        if identity.held:
            self._peer.send(self._key_request(identity, named, signed=False))
            kind, message = self._receive()
            if kind != METHOD_MESSAGE:
                return _reply(kind, message)
        request = self._key_request(identity, named, signed=True)
        signed = paramiko.Message()
        signed.add_string(self._peer.session_id or b"")
        signed.add_bytes(request.asbytes())
        request.add_string(identity.sign(signed.asbytes(), signing))
        self._peer.send(request)
        return self._reply()

    def send_password(self, password: str) -> Reply:
        """Send the password; a demand for a new one is in `said`, and a refusal.

        Raises:
            Hangup: sshd ended the connection.
            LoginTimeout: there is no reply in time.
        """
        request = self._request("password")
        request.add_boolean(b=False)
        request.add_string(password)
        self._peer.send(request)
        kind, message = self._receive()
        if kind == METHOD_MESSAGE:
            self.said.extend(lines(message))
            return Reply()
        return _reply(kind, message)

    def answer_prompts(self, answer: Answer) -> Reply:
        """Answer what sshd asks.

        Raises:
            Hangup: sshd ended the connection.
            LoginTimeout: there is no reply in time.
        """
        request = self._request("keyboard-interactive")
        request.add_string("")
        request.add_string("")
        self._peer.send(request)
        for _ in range(MOST_ROUNDS):
            kind, message = self._receive()
            if kind != METHOD_MESSAGE:
                return _reply(kind, message)
            answers = answer(*self._prompts(message))
            if answers is None:
                break
            self._peer.send(_response(answers))
        return Reply()

    def _prompts(self, message: Any) -> tuple[str, list[tuple[str, bool]]]:
        above = [*lines(message), *lines(message)]
        message.get_string()  # language
        self.said.extend(above)
        count = message.get_int()
        prompts = [(_line(message), message.get_boolean()) for _ in range(count)]
        return "\n".join(above), prompts

    def unusable(self, identity: Identity) -> str:
        """Return why no signature of *identity* can be used here; "" = one can."""
        accepted = self._peer.signature_algorithms
        return signatures.unusable(key_type(identity.blob), self._permitted, accepted)

    def _algorithms(self, kind: str) -> tuple[str, str]:
        """Return the algorithm to name for a key of type *kind*, and to sign with."""
        accepted = self._peer.signature_algorithms
        named = signatures.best(kind, self._permitted, accepted)
        return named, named.removesuffix(CERTIFICATE)

    def _key_request(
        self, identity: Identity, named: str, *, signed: bool
    ) -> paramiko.Message:
        request = self._request("publickey")
        request.add_boolean(signed)
        request.add_string(named)
        request.add_string(identity.blob)
        return request

    def _request(self, method: str) -> paramiko.Message:
        request = paramiko.Message()
        request.add_byte(bytes([common.MSG_USERAUTH_REQUEST]))
        for text in (self._user, "ssh-connection", method):
            request.add_string(text)
        return request

    def _reply(self) -> Reply:
        return _reply(*self._receive())

    def _receive(self) -> tuple[int, Any]:
        if not self._peer.is_active() and self._received.empty():
            raise Hangup
        try:
            kind, message = self._received.get(timeout=self._limit_s)
        except queue.Empty as error:
            raise LoginTimeout from error
        if kind == common.MSG_DISCONNECT:
            raise Hangup
        return kind, message


def _reply(kind: int, message: Any) -> Reply:
    if kind == common.MSG_USERAUTH_SUCCESS:
        return Reply(success=True)
    if kind != common.MSG_USERAUTH_FAILURE:
        return Reply()
    methods = tuple(message.get_list())
    return Reply(partial=message.get_boolean(), methods=methods)


def _response(answers: Sequence[str]) -> paramiko.Message:
    response = paramiko.Message()
    response.add_byte(bytes([common.MSG_USERAUTH_INFO_RESPONSE]))
    response.add_int(len(answers))
    for answer in answers:
        response.add_string(answer)
    return response


def lines(message: Any) -> list[str]:
    """Return the lines of the next text in *message* that have something in them."""
    text = message.get_string().decode("utf-8", "replace")
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def _line(message: Any) -> str:
    return " ".join(lines(message))
