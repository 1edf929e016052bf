"""Prompts that PAM's common modules do not make, of a server in this process."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import paramiko
import pytest
from conftest import HostFor, Sshd, refusal
from paramiko.common import AUTH_SUCCESSFUL
from paramiko.server import InteractiveQuery

from provision.errors import AuthError
from provision.transport.ssh import SshTransport

Round = list[tuple[str, bool]]
PASSWORD: Round = [("Password: ", False)]
CODE: Round = [("Passcode or option (1-3): ", True)]


class Asking(paramiko.ServerInterface):
    """Asks the prompts of each of *rounds*, and keeps the answers."""

    def __init__(self, rounds: list[Round]) -> None:
        self.rounds, self.answers = list(rounds), list[list[str]]()

    def get_allowed_auths(self, username: str) -> str:
        return "keyboard-interactive"

    def check_auth_interactive(
        self, username: str, submethods: str
    ) -> int | InteractiveQuery:
        return self._ask()

    def check_auth_interactive_response(
        self, responses: list[str]
    ) -> int | InteractiveQuery:
        self.answers.append([str(text) for text in responses])
        return self._ask()

    def _ask(self) -> int | InteractiveQuery:
        if not self.rounds:
            return AUTH_SUCCESSFUL
        return InteractiveQuery("", "Two steps", *self.rounds.pop(0))


Ask = Callable[[list[Round]], tuple[Asking, int]]


@pytest.fixture
def asking(sshd: Sshd) -> Iterator[Ask]:
    """Return a function that starts a server with prompts, and gives its port."""
    with contextlib.ExitStack() as stack:

        def started(rounds: list[Round]) -> tuple[Asking, int]:
            server, listener = Asking(rounds), socket.create_server(("127.0.0.1", 0))
            stack.enter_context(listener)

            def serve() -> None:
                transport = paramiko.Transport(listener.accept()[0])
                stack.callback(transport.close)
                key = paramiko.Ed25519Key(filename=str(sshd.folder / "host_ed25519"))
                transport.add_server_key(key)
                transport.start_server(server=server)

            threading.Thread(target=serve, daemon=True).start()
            return server, listener.getsockname()[1]

        yield started


@pytest.mark.parametrize(
    "rounds",
    [
        [PASSWORD],
        [[("Password: ", False), ("Verification code: ", False)]],
        [PASSWORD, [("Verification code: ", False)]],
        [[], PASSWORD, []],
    ],
)
def test_hidden_prompts_are_answered_by_the_password(
    sshd: Sshd, host_for: HostFor, asking: Ask, rounds: list[Round]
) -> None:
    server, port = asking(rounds)
    host = host_for(sshd, ansible_port=port, ansible_password="secret")
    transport = SshTransport(host)
    transport.open()
    transport.close()
    assert server.answers == [["secret"] * len(prompts) for prompts in rounds]


@pytest.mark.parametrize("rounds", [[CODE], [PASSWORD, CODE]])
def test_a_prompt_that_shows_its_answer_is_not_given_the_password(
    sshd: Sshd, host_for: HostFor, asking: Ask, rounds: list[Round]
) -> None:
    server, port = asking(rounds)
    host = host_for(sshd, ansible_port=port, ansible_password="secret")
    error = refusal(SshTransport(host))
    assert isinstance(error, AuthError)
    assert len(server.answers) == len(rounds) - 1
    assert "sshd asked: Passcode or option (1-3):" in error.details
    assert "shows what is typed" in error.hint


def test_a_server_that_asks_without_end_is_left(
    sshd: Sshd, host_for: HostFor, asking: Ask
) -> None:
    _, port = asking([PASSWORD] * 100)
    host = host_for(sshd, ansible_port=port, ansible_password="secret")
    assert isinstance(refusal(SshTransport(host)), AuthError)
