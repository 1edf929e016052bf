"""Messages and limits of the other side are in the error; some errors are final."""

from __future__ import annotations

import contextlib
import shutil
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import HostFor, Sshd, Start, keygen, refusal

from provision.errors import AuthError, ConnectError, ProtocolError
from provision.transport.retry import connect_with_retry
from provision.transport.ssh import SshTransport


@pytest.mark.parametrize(
    ("line", "kind", "way_out"),
    [
        (
            "KexAlgorithms sntrup761x25519-sha512@openssh.com",
            "no key exchange in common: it offers only sntrup761x25519-sha512",
            "allow one of ours in KexAlgorithms of its sshd_config: mlkem768x25519-sha256",
        ),
        (
            "Ciphers chacha20-poly1305@openssh.com",
            "no cipher in common: it offers only chacha20-poly1305@openssh.com",
            "allow one of ours in Ciphers of its sshd_config: aes128-gcm@openssh.com",
        ),
        (
            "MACs umac-64@openssh.com\nCiphers aes128-ctr",
            "no MAC in common: it offers only umac-64@openssh.com",
            "allow one of ours in MACs of its sshd_config: hmac-sha2-256",
        ),
        (
            "HostKeyAlgorithms ssh-rsa",
            "no type of host key in common: it offers only ssh-rsa",
            "HostKeyAlgorithms",
        ),
    ],
)
def test_algorithms_we_lack_are_named_with_ours_and_the_option(
    start: Start, host_for: HostFor, line: str, kind: str, way_out: str
) -> None:
    error = refusal(SshTransport(host_for(start(line))))
    assert isinstance(error, ProtocolError)
    assert kind in error.message
    assert way_out in error.hint


def test_a_host_that_wants_sha1_signatures_is_told_what_to_allow(
    start: Start, host_for: HostFor, home: Path, program: object
) -> None:
    if program is None:
        pytest.skip("OpenSSH 9.2 does not say which signatures it accepts")
    keygen(home / "rsa", "rsa")
    server = start("PubkeyAcceptedAlgorithms ssh-rsa")
    shutil.copy(home / "rsa.pub", server.folder / "authorized_keys")
    host = host_for(server, ansible_ssh_private_key_file=str(home / "rsa"))
    error = refusal(SshTransport(host))
    assert isinstance(error, AuthError)
    assert "allow rsa-sha2-512 in PubkeyAcceptedAlgorithms" in error.hint


def test_a_jump_host_that_may_not_forward_is_final(
    start: Start, host_for: HostFor, home: Path
) -> None:
    server = start("AllowTcpForwarding no")
    key = server.public("ed25519")
    (home / ".ssh/known_hosts").write_text(f"[localhost]:{server.port} {key}\n")
    jump = f"-J localhost:{server.port}"
    host = host_for(server, ansible_ssh_common_args=jump)
    retries, error = attempts(SshTransport(host))
    assert retries == 0
    assert "AllowTcpForwarding" in error.hint


def attempts(transport: SshTransport) -> tuple[int, ConnectError]:
    """Connect as a run does; return how often it was tried again, and the error."""
    retries: list[str] = []
    with pytest.raises(ConnectError) as caught:
        connect_with_retry(
            transport,
            lambda number, wait, why: retries.append(why),
            sleep=lambda _: None,
        )
    return len(retries), caught.value


@pytest.mark.parametrize(
    "line", ["Ciphers chacha20-poly1305@openssh.com", "AuthorizedKeysFile none"]
)
def test_what_is_final_is_not_tried_again(
    start: Start, host_for: HostFor, line: str
) -> None:
    retries, error = attempts(SshTransport(host_for(start(line))))
    assert retries == 0
    assert error.final


Server = Callable[[bytes], int]


@pytest.fixture
def saying() -> Iterator[Server]:
    """Return a function that starts a server which says something and hangs up."""
    with contextlib.ExitStack() as stack:

        def started(words: bytes) -> int:
            class Handler(socketserver.BaseRequestHandler):
                def handle(self) -> None:
                    self.request.sendall(words)
                    self.request.shutdown(socket.SHUT_WR)
                    with contextlib.suppress(OSError):
                        self.request.recv(4096)

            server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
            stack.enter_context(server)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
            port: int = server.server_address[1]
            return port

        yield started


@pytest.mark.parametrize(
    ("words", "message", "final"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "is not an SSH server", True),
        (b"220 mail ready\r\n", "is not an SSH server", True),
        (b"SSH-1.5-old\r\n", "speaks SSH 1.5, not 2.0", True),
        (b"Exceeded MaxStartups\r\n", "too many logins under way (MaxStartups)", False),
        (b"Not allowed at this time\r\n", "(PerSourcePenalties)", False),
        (b"", "closed the connection before the login", False),
    ],
)
def test_words_instead_of_a_greeting_are_shown(
    sshd: Sshd,
    host_for: HostFor,
    saying: Server,
    words: bytes,
    message: str,
    final: bool,
) -> None:
    host = host_for(sshd, ansible_port=saying(words))
    retries, error = attempts(SshTransport(host))
    assert message in error.message
    assert (retries == 0) == final
    first = words.decode().partition("\r")[0]
    if first and not first.startswith("SSH"):
        assert f"sshd said: {first}" in error.details


def log_of(server: Sshd) -> str:
    return (server.folder / "log").read_text()


def test_an_address_with_penalties_is_told_so(
    start: Start, host_for: HostFor, program: object
) -> None:
    if program is None:
        pytest.skip("this machine's own OpenSSH is older than 9.8")
    server = start("PerSourcePenalties authfail:60s min:1s\nAuthorizedKeysFile none")
    host = host_for(server)
    assert isinstance(refusal(SshTransport(host)), AuthError)
    time.sleep(1)  # sshd notes the failure when it has collected its process
    error = refusal(SshTransport(host))
    assert "turns this address away" in error.message
    assert "PerSourcePenalties" in error.message
    assert "ends by itself" in error.hint
    assert "PerSourcePenaltyExemptList" in error.hint
    assert "penalty" in log_of(server), "the log is said to have the reason"


def greeted(server: Sshd) -> socket.socket:
    """Return a connection that sshd has greeted, and that does not go on to log in."""
    while True:
        connection = socket.create_connection(("127.0.0.1", server.port))
        if b"SSH-" in connection.recv(64):
            return connection
        connection.close()
        time.sleep(0.1)  # sshd still counts the one that waited for its port


def test_too_many_logins_are_told_as_this_sshd_says_it(
    start: Start, host_for: HostFor, program: object
) -> None:
    server = start("PerSourceMaxStartups 1")
    with greeted(server):
        error = refusal(SshTransport(host_for(server)))
    assert "(MaxStartups)" in error.message
    # Since 9.8 the same line has two meanings; before, it had one.
    assert ("PerSourcePenalties" in error.message) == (program is not None)
    assert "axstartups" in log_of(server).lower(), "the log is said to have the reason"


def test_a_connection_closed_without_a_word_is_blamed_on_nothing(
    sshd: Sshd, host_for: HostFor, saying: Server
) -> None:
    error = refusal(SshTransport(host_for(sshd, ansible_port=saying(b""))))
    assert "closed the connection before the login" in error.message
    assert "fail2ban" in error.hint
    assert "PerSourcePenalties" not in f"{error.message} {error.hint}"
