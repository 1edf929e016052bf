"""Connecting to a real sshd: keys, host keys, ssh_config, jump hosts, clear errors."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import (
    PASSWORD,
    Agent,
    HostFor,
    Sshd,
    Start,
    connects,
    keygen,
    refusal,
    start_sshd,
)
from support.openssh10 import OpenSsh

from provision.errors import AuthError, HostKeyError, UnknownHostKeyError
from provision.transport.ssh import SshTransport


@pytest.fixture
def sshd(each_sshd: Sshd) -> Sshd:
    """The sshd of these tests, of each of the servers."""
    return each_sshd


@pytest.fixture(scope="module")
def strict(
    tmp_path_factory: pytest.TempPathFactory, login_user: str, program: OpenSsh | None
) -> Iterator[Sshd]:
    """An sshd that takes passwords, and no key."""
    folder = tmp_path_factory.mktemp("strict")
    extra = "PasswordAuthentication yes\nMaxAuthTries 4\nAuthorizedKeysFile none"
    server = start_sshd(folder, extra, program)
    yield server
    server.stop()


def test_a_key_from_the_inventory_logs_in(sshd: Sshd, host_for: HostFor) -> None:
    assert connects(SshTransport(host_for(sshd)))


def test_opening_twice_is_one_connection(sshd: Sshd, host_for: HostFor) -> None:
    transport = SshTransport(host_for(sshd))
    transport.open()
    before = len(sshd.sessions())
    transport.open()
    assert len(sshd.sessions()) == before
    transport.close()
    assert connects(transport)


def test_a_key_the_host_does_not_know_is_an_error_that_names_it(
    sshd: Sshd, host_for: HostFor, tmp_path: Path
) -> None:
    keygen(tmp_path / "other")
    host = host_for(sshd, ansible_ssh_private_key_file=str(tmp_path / "other"))
    error = refusal(SshTransport(host))
    assert isinstance(error, AuthError)
    assert "@node1: login refused" in error.message
    assert "authorized_keys" in error.hint
    assert re.search(r"tried .*/other \(SHA256:", error.details[0])


def test_a_missing_key_file_is_an_error_before_anything_is_sent(
    sshd: Sshd, host_for: HostFor
) -> None:
    host = host_for(sshd, ansible_ssh_private_key_file="/nowhere/id")
    error = refusal(SshTransport(host))
    assert isinstance(error, AuthError)
    assert "/nowhere/id does not exist" in error.message


def test_an_encrypted_key_gets_the_hint_to_use_the_agent(
    sshd: Sshd, host_for: HostFor, tmp_path: Path
) -> None:
    keygen(tmp_path / "locked", passphrase="secret")
    host = host_for(sshd, ansible_ssh_private_key_file=str(tmp_path / "locked"))
    error = refusal(SshTransport(host))
    assert isinstance(error, AuthError)
    assert error.hint.endswith(f"ssh-add {tmp_path}/locked")


def test_a_file_that_is_no_key_is_named(
    sshd: Sshd, host_for: HostFor, tmp_path: Path
) -> None:
    (tmp_path / "notes").write_text("not a key\n")
    host = host_for(sshd, ansible_ssh_private_key_file=str(tmp_path / "notes"))
    assert "notes is not a private key" in refusal(SshTransport(host)).hint


def test_without_any_key_the_hint_says_what_to_set(
    sshd: Sshd, host_for: HostFor
) -> None:
    host = host_for(sshd, ansible_ssh_private_key_file=None)
    assert "set ansible_ssh_private_key_file" in refusal(SshTransport(host)).hint


def test_a_key_in_the_agent_logs_in(
    sshd: Sshd, host_for: HostFor, agent: Agent
) -> None:
    agent(sshd.key_file)
    host = host_for(sshd, ansible_ssh_private_key_file=None)
    assert connects(SshTransport(host))


def test_a_password_logs_in(strict: Sshd, host_for: HostFor, login_user: str) -> None:
    host = host_for(
        strict,
        ansible_user=login_user,
        ansible_password=PASSWORD,
        ansible_ssh_private_key_file=None,
    )
    assert connects(SshTransport(host))


def test_a_wrong_password_is_an_error_that_does_not_show_it(
    strict: Sshd, host_for: HostFor, login_user: str
) -> None:
    host = host_for(strict, ansible_user=login_user, ansible_password="hunter2")
    error = refusal(SshTransport(host))
    assert isinstance(error, AuthError)
    assert "tried the password" in error.details
    assert "hunter2" not in repr([error.message, error.hint, error.details])


def test_an_unknown_host_key_is_refused_with_the_command_that_accepts_it(
    sshd: Sshd, host_for: HostFor
) -> None:
    host = host_for(sshd, host_key=None)
    error = refusal(SshTransport(host))
    assert isinstance(error, UnknownHostKeyError)
    assert error.hint.endswith("accept it: invoke trust --inventory lab.yml")


def test_without_an_inventory_file_the_hint_adds_the_line_to_known_hosts(
    sshd: Sshd, host_for: HostFor
) -> None:
    host = dataclasses.replace(host_for(sshd, host_key=None), inventory=())
    error = refusal(SshTransport(host))
    assert isinstance(error, UnknownHostKeyError)
    assert "is unknown: ssh-ed25519 SHA256:" in error.message
    command = error.hint.partition("accept it: ")[2]
    subprocess.run(command, shell=True, check=True)
    assert connects(SshTransport(host))


def test_a_changed_host_key_is_refused(
    sshd: Sshd, host_for: HostFor, tmp_path: Path
) -> None:
    keygen(tmp_path / "other")
    pin = " ".join((tmp_path / "other.pub").read_text().split()[:2])
    error = refusal(SshTransport(host_for(sshd, host_key=pin)))
    assert isinstance(error, HostKeyError)
    assert "has changed" in error.message


def test_the_host_key_is_checked_before_the_login(
    sshd: Sshd, host_for: HostFor
) -> None:
    log = sshd.folder / "log"
    before = len(log.read_text())
    refusal(SshTransport(host_for(sshd, host_key=None)))
    time.sleep(0.2)
    added = log.read_text()[before:]
    assert "preauth" in added
    assert "Accepted" not in added


def test_a_host_known_by_its_rsa_key_is_asked_for_that_key(
    sshd: Sshd, host_for: HostFor
) -> None:
    assert connects(SshTransport(host_for(sshd, host_key=sshd.public("rsa"))))


def test_hashed_known_hosts_of_the_user_are_read(
    sshd: Sshd, host_for: HostFor, home: Path
) -> None:
    known = home / ".ssh/known_hosts"
    known.write_text(f"[127.0.0.1]:{sshd.port} {sshd.public('rsa')}\n")
    subprocess.run(
        ["ssh-keygen", "-q", "-H", "-f", known], check=True, capture_output=True
    )
    assert "127.0.0.1" not in known.read_text()
    assert connects(SshTransport(host_for(sshd, host_key=None)))


def test_the_ssh_config_of_the_user_is_honoured(
    sshd: Sshd, host_for: HostFor, home: Path
) -> None:
    (home / ".ssh/config").write_text(
        f"Host alias\n  HostName 127.0.0.1\n  Port {sshd.port}\n"
        f"  IdentityFile {sshd.key_file}\n  UserKnownHostsFile ~/known\n"
    )
    (home / "known").write_text(f"[127.0.0.1]:{sshd.port} {sshd.public('rsa')}\n")
    host = host_for(
        sshd,
        ansible_host="alias",
        ansible_port=None,
        ansible_ssh_private_key_file=None,
        host_key=None,
    )
    assert connects(SshTransport(host))


def test_a_connection_goes_through_a_jump_host(
    sshd: Sshd, strict: Sshd, host_for: HostFor, home: Path
) -> None:
    (home / ".ssh/known_hosts").write_text(
        f"[localhost]:{sshd.port} {sshd.public('ed25519')}\n"
    )
    host = host_for(sshd, ansible_ssh_common_args=f"-J localhost:{sshd.port}")
    assert sessions_soon(sshd, 0) == 0, (
        "connections of earlier tests may take a moment to end"
    )
    transport = SshTransport(host)
    transport.open()
    assert sessions_soon(sshd, 2) == 2
    transport.close()
    assert sessions_soon(sshd, 0) == 0


def sessions_soon(sshd: Sshd, wanted: int) -> int:
    """Count its connections, once there are *wanted* or after 5 s."""
    deadline = time.monotonic() + 5
    while len(sshd.sessions()) != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    return len(sshd.sessions())


def test_a_jump_host_must_be_known_too(sshd: Sshd, host_for: HostFor) -> None:
    host = host_for(sshd, ansible_ssh_common_args=f"-J localhost:{sshd.port}")
    error = refusal(SshTransport(host))
    assert isinstance(error, HostKeyError)
    assert f"[localhost]:{sshd.port}" in error.message


def test_a_jump_host_that_cannot_reach_the_host_says_so(
    sshd: Sshd, host_for: HostFor, home: Path
) -> None:
    (home / ".ssh/known_hosts").write_text(
        f"[localhost]:{sshd.port} {sshd.public('ed25519')}\n"
    )
    jump = f"-J localhost:{sshd.port}"
    host = host_for(sshd, ansible_ssh_common_args=jump, ansible_port=1)
    assert "the jump host cannot reach" in refusal(SshTransport(host)).message


def test_a_proxy_command_is_used(sshd: Sshd, host_for: HostFor, home: Path) -> None:
    (home / ".ssh/config").write_text(
        "Host 127.0.0.1\n"
        f"  ProxyCommand ssh -F none -i {sshd.key_file} -p {sshd.port} "
        "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -q "
        f"127.0.0.1 -W 127.0.0.1:{sshd.port}\n"
    )
    assert connects(SshTransport(host_for(sshd)))


@pytest.mark.parametrize(
    ("command", "code", "final"),
    [
        ("no-such-program %h %p", 127, True),
        ("sh -c 'echo the gateway is closed >&2; exit 3'", 3, False),
    ],
)
def test_a_proxy_command_that_fails_is_blamed_itself_in_its_own_words(
    sshd: Sshd,
    host_for: HostFor,
    home: Path,
    command: str,
    code: int,
    final: bool,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (home / ".ssh/config").write_text(f"Host *\n  ProxyCommand {command}\n")
    error = refusal(SshTransport(host_for(sshd)))
    assert f"the proxy command to 127.0.0.1:{sshd.port} ended" in error.message
    assert error.message.endswith(f"exit code {code}")
    assert error.final == final
    assert error.details
    assert all(line.startswith("ProxyCommand said: ") for line in error.details)
    assert capfd.readouterr().err == ""


def test_a_name_that_does_not_resolve_is_an_error_with_a_hint(
    sshd: Sshd, host_for: HostFor
) -> None:
    host = host_for(sshd, ansible_host="no-such-host.invalid")
    error = refusal(SshTransport(host))
    assert "no-such-host.invalid" in error.message
    assert "does not resolve" in error.message
    assert "ansible_host" in error.hint


def test_a_refused_connection_is_an_error_with_a_hint(
    sshd: Sshd, host_for: HostFor
) -> None:
    error = refusal(SshTransport(host_for(sshd, ansible_port=1)))
    assert "127.0.0.1:1 refused the connection" in error.message
    assert "ansible_port" in error.hint


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_that_sends_nothing_is_given_up_after_the_timeout(
    sshd: Sshd, host_for: HostFor, silent_port: int
) -> None:
    started = time.monotonic()
    error = refusal(SshTransport(host_for(sshd, ansible_port=silent_port), timeout_s=1))
    assert "sent no SSH banner within 1 s" in error.message
    assert time.monotonic() - started < 4


def test_an_sshd_that_stops_during_the_login_is_given_up_after_the_timeout(
    host_for: HostFor, tmp_path: Path
) -> None:
    server = start_sshd(tmp_path / "sshd")
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        error = refusal(SshTransport(host_for(server), timeout_s=1))
        assert "within 1 s" in error.message
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
        server.stop()


def test_closing_ends_an_attempt_to_connect(
    sshd: Sshd, host_for: HostFor, silent_port: int
) -> None:
    import threading

    transport = SshTransport(host_for(sshd, ansible_port=silent_port))
    threading.Timer(0.3, transport.close).start()
    started = time.monotonic()
    assert "interrupted" in refusal(transport).message
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    ("chosen", "safe"),
    [("mlkem768x25519-sha256", True), ("curve25519-sha256", False)],
)
def test_a_key_exchange_that_falls_back_is_known(
    start: Start, host_for: HostFor, program: OpenSsh | None, chosen: str, safe: bool
) -> None:
    if safe and program is None:
        pytest.skip("OpenSSH before 9.9 has no mlkem768x25519-sha256")
    offers = f"KexAlgorithms {chosen},curve25519-sha256@libssh.org"
    transport = SshTransport(host_for(start(offers)))
    with contextlib.closing(transport):
        transport.open()
        assert transport.quantum_safe == safe


@pytest.mark.parametrize(
    ("chosen", "warning"),
    [
        ("diffie-hellman-group14-sha256", "diffie-hellman-group14-sha256, which costs"),
        ("curve25519-sha256@libssh.org", ""),
    ],
)
def test_a_slow_key_exchange_gives_a_warning(
    host_for: HostFor, start: Start, chosen: str, warning: str
) -> None:
    warnings: list[str] = []
    host = host_for(start(f"KexAlgorithms {chosen}"))
    transport = SshTransport(host, warn=warnings.append)
    with contextlib.closing(transport):
        transport.open()
    assert (warning in warnings[0]) if warning else not warnings
