"""A sudo password is tried on one host; what that came to is true for the others."""

from __future__ import annotations

import threading
import time

import pytest
from pydantic import SecretStr

from provision.errors import HostError, PrivilegeError
from provision.model.script import Script
from provision.transport.remote_shell import RemoteShell
from provision.transport.remote_shell.start import LOGIN, SHELL
from provision.transport.sudo_password import Password, Passwords

SECRET = SecretStr("hunter2")
PROMPT = LOGIN + b"@provision-password:"


class Hosts:
    """Hosts that all ask for the password at once; each does *then* with its turn."""

    def __init__(self, count: int, password: Password) -> None:
        self.tried: list[str] = []
        self.refusals: list[str] = []
        self._password = password
        self._threads = [
            threading.Thread(target=self._try, args=(f"node{n}",)) for n in range(count)
        ]

    def run(self) -> None:
        for thread in self._threads:
            thread.start()
        for thread in self._threads:
            thread.join(20)

    def then(self, who: str) -> None:
        raise NotImplementedError

    def _try(self, who: str) -> None:
        try:
            assert self._password.for_host(who) == b"hunter2\n"
        except PrivilegeError as error:
            self.refusals.append(error.message)
            return
        self.tried.append(who)
        time.sleep(0.05)
        self.then(who)


def test_a_wrong_one_is_tried_once_however_many_hosts_there_are() -> None:
    password = Password(SECRET)
    hosts = Hosts(40, password)
    hosts.then = password.refused  # type: ignore[method-assign]
    hosts.run()
    assert len(hosts.tried) == 1
    wanted = f"the sudo password was not tried here: {hosts.tried[0]} refused it"
    assert hosts.refusals == [wanted] * 39


def test_a_right_one_lets_all_others_in_together() -> None:
    password = Password(SECRET)
    hosts = Hosts(40, password)
    hosts.then = lambda who: password.accepted()  # type: ignore[method-assign]
    started = time.monotonic()
    hosts.run()
    assert (len(hosts.tried), hosts.refusals) == (40, [])
    assert time.monotonic() - started < 40 * 0.05, "one after the other"


def test_a_host_that_is_lost_while_it_tries_makes_way_for_the_next() -> None:
    password = Password(SECRET)
    hosts = Hosts(5, password)

    def then(who: str) -> None:
        if len(hosts.tried) < 3:
            password.finish(who)
        else:
            password.accepted()

    hosts.then = then  # type: ignore[method-assign]
    hosts.run()
    assert (len(hosts.tried), hosts.refusals) == (5, [])


def test_equal_passwords_are_one_and_others_are_not() -> None:
    known = Passwords()
    assert known.of(SECRET) is known.of(SecretStr("hunter2"))
    assert known.of(SECRET) is not known.of(SecretStr("other"))
    assert known.of(None) is None


def shell(password: Password, who: str) -> RemoteShell:
    return RemoteShell(
        who,
        Script("script", become=True),
        sudo=True,
        password=password,
    )


def test_a_shell_reports_whether_sudo_accepted_the_password() -> None:
    password = Password(SECRET)
    with shell(password, "a") as first:
        assert first.on_stderr(PROMPT) == b"hunter2\n"
        assert first.on_stdout(LOGIN + SHELL).endswith(b"script")
    with shell(password, "b") as second:
        assert second.on_stderr(PROMPT) == b"hunter2\n"
        with pytest.raises(PrivilegeError, match="b was refused by sudo: wrong"):
            second.on_stderr(PROMPT)
    with (
        shell(password, "c") as third,
        pytest.raises(PrivilegeError, match="not tried"),
    ):
        third.on_stderr(PROMPT)


def test_a_sudo_that_ends_after_one_wrong_try_counts_as_refusal() -> None:
    password = Password(SECRET)
    with shell(password, "a") as first:
        first.on_stdout(LOGIN)
        first.on_stderr(PROMPT)
        first.on_stderr(b"sudo: 1 incorrect password attempt\n")
        with pytest.raises(HostError, match="wrong password"):
            first.result(1)
    with pytest.raises(PrivilegeError, match="not tried"):
        password.for_host("b")


def test_one_that_sudo_did_not_ask_for_is_neither_right_nor_wrong() -> None:
    password = Password(SECRET)
    with shell(password, "a") as first:
        assert first.on_stdout(LOGIN + SHELL).endswith(b"script")
    with shell(password, "b") as second:
        second.on_stderr(PROMPT)
        with pytest.raises(PrivilegeError, match="wrong password"):
            second.on_stderr(PROMPT)
