"""Logins that take more than one factor, or none that there is."""

from __future__ import annotations

import contextlib
import dataclasses
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import PASSWORD, HostFor, Sshd, Start, connects, keygen, refusal

from provision.config.inventory import Host
from provision.errors import AuthError
from provision.transport.ssh import SshTransport

PAM = "UsePAM yes\nPasswordAuthentication yes\nKbdInteractiveAuthentication yes\n"

Methods = Callable[..., Host]


@pytest.fixture
def wanting(start: Start, host_for: HostFor, login_user: str) -> Methods:
    """Return a function that gives a host where sshd wants the *methods*."""

    def make(methods: str, extra: str = "", **changed: object) -> Host:
        server = start(f"{extra}{PAM}AuthenticationMethods {methods}")
        return host_for(server, ansible_user=login_user, **changed)

    return make


@pytest.mark.parametrize(
    "methods",
    [
        "password",
        "keyboard-interactive",
        "publickey,password",
        "publickey,keyboard-interactive",
        "password,publickey",
        "keyboard-interactive,publickey",
        "publickey,password,keyboard-interactive",
        "password,keyboard-interactive publickey,keyboard-interactive",
        "keyboard-interactive:pam,password,publickey",
    ],
)
def test_a_key_and_the_password_do_for_any_combination(
    wanting: Methods, methods: str
) -> None:
    assert connects(SshTransport(wanting(methods, ansible_password=PASSWORD)))


def test_where_a_password_may_do_no_try_is_spent_on_a_key_that_sshd_does_not_want(
    wanting: Methods,
) -> None:
    host = wanting("password", "MaxAuthTries 1\n", ansible_password=PASSWORD)
    assert connects(SshTransport(host))


@pytest.mark.parametrize(
    ("methods", "wanted"),
    [
        ("publickey,password", "wants a password as well"),
        ("publickey,keyboard-interactive", "wants answers to prompts as well"),
        ("publickey,publickey", "wants a key as well"),
    ],
)
def test_a_second_factor_we_do_not_have_is_named_at_once(
    wanting: Methods, methods: str, wanted: str
) -> None:
    host, started = wanting(methods), time.monotonic()
    error = refusal(SshTransport(host))
    assert isinstance(error, AuthError)
    assert wanted in error.message
    assert "sshd accepted the first factor" in error.message
    assert error.details[0].startswith("accepted ")
    assert "id_ed25519 (SHA256:" in error.details[0]
    assert time.monotonic() - started < 10


def test_two_keys_log_in_where_two_are_wanted(
    start: Start, host_for: HostFor, home: Path
) -> None:
    server = start("AuthenticationMethods publickey,publickey")
    keygen(home / ".ssh/second")
    with (server.folder / "authorized_keys").open("a") as file:
        file.write((home / ".ssh/second.pub").read_text())
    (home / ".ssh/config").write_text("Host *\n  IdentityFile ~/.ssh/second\n")
    assert connects(SshTransport(host_for(server)))


def test_a_wrong_second_factor_is_said_to_be_wrong(wanting: Methods) -> None:
    host = wanting("publickey,password", ansible_password="hunter2")
    error = refusal(SshTransport(host))
    assert isinstance(error, AuthError)
    assert error.hint == "correct ansible_password"
    assert "hunter2" not in repr([error.message, error.hint, error.details])


def test_where_no_key_is_taken_the_password_is_asked_for(wanting: Methods) -> None:
    error = refusal(SshTransport(wanting("password")))
    assert (
        error.hint == "sshd takes no keys there, but a password: set ansible_password"
    )


def test_a_jump_host_that_wants_a_password_is_not_promised_one(
    wanting: Methods, home: Path
) -> None:
    host = wanting("publickey,password", ansible_password=PASSWORD)
    jump = f"[localhost]:{host.port}"
    (home / ".ssh/known_hosts").write_text(f"{jump} {host.host_key}\n")
    args = f"-J {host.user}@localhost:{host.port}"
    behind = dataclasses.replace(
        host, vars={**host.vars, "ansible_ssh_common_args": args}
    )
    error = refusal(SshTransport(behind))
    assert "(jump host): login refused: sshd accepted" in error.message
    assert "ansible_password is not for jump hosts" in error.hint


def test_a_wrong_password_is_sent_once(
    start: Start, host_for: HostFor, login_user: str
) -> None:
    server = start(f"{PAM}MaxAuthTries 6")
    host = host_for(
        server,
        ansible_user=login_user,
        ansible_password="hunter2",
        ansible_ssh_private_key_file=None,
    )
    refusal(SshTransport(host))
    time.sleep(0.3)
    log = (server.folder / "log").read_text()
    assert log.count("Authentication failure for") == 1, log
    assert "Failed password" not in log


@contextlib.contextmanager
def aged(user: str, *options: str) -> Iterator[None]:
    """Change the ageing of a user's password or account, and take it back."""
    subprocess.run(["chage", *options, user], check=True)
    try:
        yield
    finally:
        subprocess.run(["chage", "-d", "2026-01-01", "-E", "-1", user], check=True)


@pytest.mark.parametrize("methods", ["publickey", "password", "keyboard-interactive"])
def test_an_expired_account_is_named_in_sshds_words(
    wanting: Methods, login_user: str, methods: str
) -> None:
    host = wanting(methods, ansible_password=PASSWORD)
    with aged(login_user, "-E", "2020-01-01"):
        error = refusal(SshTransport(host))
    assert isinstance(error, AuthError)
    assert any("account has expired" in line for line in error.details), error.details
    assert f"chage -l {login_user}" in error.hint


def test_a_password_that_must_be_changed_is_not_answered_by_itself(
    wanting: Methods, login_user: str
) -> None:
    host = wanting("keyboard-interactive", ansible_password=PASSWORD)
    with aged(login_user, "-d", "0"):
        error = refusal(SshTransport(host))
    assert isinstance(error, AuthError)
    assert "the password has expired, and sshd wants a new one" in error.message
    assert f"as {login_user}" in error.hint


def test_a_key_where_the_password_must_be_changed_shows_what_sshd_says(
    wanting: Methods, login_user: str
) -> None:
    transport = SshTransport(wanting("publickey"))
    with aged(login_user, "-d", "0"):
        error = None
        try:
            connects(transport)
        except Exception as caught:  # noqa: BLE001 - whichever it is, it has the details
            error = caught
    assert "password has expired" in repr(getattr(error, "details", ())), error


def test_nologin_is_shown_in_its_own_words(wanting: Methods) -> None:
    host = wanting("publickey")
    file = Path("/etc/nologin")
    assert not file.exists()
    file.write_text("The rack is being moved until noon.\n")
    try:
        error = refusal(SshTransport(host))
    finally:
        file.unlink()
    assert "sshd said: The rack is being moved until noon." in error.details
    assert isinstance(error, AuthError)


def test_the_banner_is_in_the_details_of_a_refusal(
    start: Start, host_for: HostFor, tmp_path: Path
) -> None:
    (tmp_path / "banner").write_text("Authorised use only.\nAsk ops for a key.\n")
    keygen(tmp_path / "other")
    server: Sshd = start(f"Banner {tmp_path}/banner")
    host = host_for(server, ansible_ssh_private_key_file=str(tmp_path / "other"))
    details = refusal(SshTransport(host)).details
    assert "sshd said: Authorised use only." in details
    assert "sshd said: Ask ops for a key." in details
