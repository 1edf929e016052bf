"""Root or nothing, whatever lies between sshd and our shell; and who of them is to blame."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import PASSWORD, HostFor, Sshd, sudoers

from provision.errors import ConnectError, HostError, PrivilegeError
from provision.model.script import Script
from provision.transport.local import LocalTransport
from provision.transport.ssh import SshTransport

RAN = '{ : >"$HOME/ran" || : >/tmp/ran; id -u; exit\n}\n'
OTHER_USER = "daemon"

Run = Callable[..., str]


class Account:
    """The home and the rights of the user that logs in."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.home = Path(f"~{user}").expanduser()

    def bashrc(self, text: str) -> None:
        (self.home / ".bashrc").write_text(f"{text}\n")

    def program(self, name: str, text: str) -> None:
        """Put a program of the user's own first on PATH."""
        file = self.home / "bin" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)
        self.bashrc("PATH=$HOME/bin:$PATH")

    def left(self) -> list[Path]:
        """The files that a script left in the homes that it may have had."""
        return [
            file for file in (self.home / "ran", Path("/root/ran")) if file.exists()
        ]


@pytest.fixture
def account(login_user: str) -> Iterator[Account]:
    made = Account(login_user)
    before = (made.home / ".bashrc").read_text()
    sudoers("ALL=(ALL) NOPASSWD: ALL")
    yield made
    (made.home / ".bashrc").write_text(before)
    for file in [*made.left(), *(made.home / "bin").glob("*")]:
        file.unlink()
    sudoers().unlink(missing_ok=True)


@pytest.fixture
def run(sshd: Sshd, account: Account, host_for: HostFor) -> Run:
    """Return a function that runs a script and returns its output."""

    def output(become: bool = True, **changed: str) -> str:
        out = bytearray()
        host = host_for(sshd, ansible_user=account.user, **changed)
        transport = SshTransport(host)
        transport.open()
        try:
            script = Script(RAN, become=become, limit_s=20, stdout=out.extend)
            assert transport.run(script) == 0
        finally:
            transport.close()
        return out.decode()

    return output


def refusal(
    run: Run, kind: type[HostError], become: bool = True, **changed: str
) -> HostError:
    """The error, of exactly that *kind*, that a script comes to."""
    with pytest.raises(HostError) as caught:
        run(become=become, **changed)
    assert type(caught.value) is kind, caught.value
    assert caught.value.hint
    return caught.value


NOISE = "echo 'Welcome to the lab'; echo 'disk is full' >&2"


@pytest.mark.parametrize("password", [None, PASSWORD])
def test_a_script_for_root_runs_as_root_behind_a_login_shell_that_prints(
    run: Run, account: Account, password: str | None
) -> None:
    account.bashrc(NOISE)
    if password:
        sudoers("ALL=(ALL) ALL")
        assert run(ansible_become_password=password) == "0\n"
    else:
        assert run() == "0\n"


def test_root_is_asked_for_by_name(run: Run, account: Account) -> None:
    sudoers(
        f"ALL=(ALL) NOPASSWD: ALL\nDefaults:{account.user} runas_default={OTHER_USER}"
    )
    assert run() == "0\n"


@pytest.mark.parametrize("rule", [f"({OTHER_USER})", "(ALL, !root)"])
def test_sudoers_that_do_not_allow_root_are_a_refusal(
    run: Run, account: Account, rule: str
) -> None:
    default = f"Defaults:{account.user} runas_default={OTHER_USER}, timestamp_timeout=0"
    sudoers(f"ALL={rule} NOPASSWD: ALL\n{default}")
    asked = refusal(run, PrivilegeError)
    assert "may not run sudo without a password" in asked.message
    sudoers(f"ALL={rule} ALL\n{default}")
    told = refusal(run, PrivilegeError, ansible_become_password=PASSWORD)
    assert "may not run this as root with sudo" in told.message
    assert account.left() == []


def test_a_folder_that_sudoers_name_changes_nothing(run: Run, account: Account) -> None:
    sudoers(f"ALL=(ALL) CWD=/ NOPASSWD: ALL\nDefaults:{account.user} runcwd=/proc")
    assert run() == "0\n"


OTHER_SHELLS = {
    "bash": "exec bash --norc",
    "sh": "exec sh",
    "another user's": "exec /usr/bin/sudo -u $USER sh",
    "after a line was read": "read -r line; exec bash --norc",
}


@pytest.mark.parametrize("text", OTHER_SHELLS.values(), ids=OTHER_SHELLS)
@pytest.mark.parametrize("become", [True, False])
def test_a_shell_in_the_place_of_ours_runs_nothing(
    run: Run, account: Account, text: str, become: bool
) -> None:
    account.bashrc(text)
    error = refusal(run, PrivilegeError if become else ConnectError, become)
    wanted = f"the login shell started another shell than sh, as {account.user}"
    assert wanted in error.message
    assert account.left() == []


COMMAND = 'while [ "$1" != -- ]; do shift; done'
WRAPPERS = {
    f'{COMMAND}; shift; exec "$@"': "would run as USER",
    f'{COMMAND}; exec /usr/bin/sudo -n -u {OTHER_USER} "$@"': f"would run as {OTHER_USER}",
    f'{COMMAND}; shift; exec unshare -r "$@"': "run as root of another user namespace",
    "exec sh": "sudo started another shell than sh, as USER",
}
"""Behaviour of a program called sudo, and the end of the refusal."""


@pytest.mark.parametrize("text", WRAPPERS)
def test_a_program_called_sudo_that_does_not_make_root_is_a_refusal(
    run: Run, account: Account, text: str
) -> None:
    account.program("id", 'case $* in -u) echo 0 ;; *) exec /usr/bin/id "$@" ;; esac')
    account.program("sudo", text)
    error = refusal(run, PrivilegeError)
    assert f"{account.user}@node1 did not become root: " in error.message
    assert error.message.endswith(WRAPPERS[text].replace("USER", account.user))
    assert account.left() == []


def test_a_user_called_root_is_not_enough(
    run: Run, account: Account, sshd: Sshd, host_for: HostFor
) -> None:
    account.bashrc("")
    script = Script(RAN, become=True)
    transport = SshTransport(host_for(sshd, ansible_user=account.user))
    transport.open()
    try:
        assert transport._connection
        transport._connection.user = "root"
        with pytest.raises(PrivilegeError, match=f"would run as {account.user}"):
            transport.run(script)
    finally:
        transport.close()
    assert account.left() == []


BLAMES = {
    "echo bye; exit 3": ("ended before it ran {aim} (exit code 3)", "bye"),
    "echo bye; exec true": ("ended before it ran {aim} (exit code 0)", "bye"),
    "PATH=/none": ("ended before it ran {aim} (exit code 127)", "not found"),
    "echo hm; read -r line": ("read the script before our shell", "hm"),
    "head -c 3 >/dev/null; echo hm": ("read the script before our shell", "hm"),
    "exec </dev/null; echo hm": ("read the script before our shell", "hm"),
    "echo hm >&2; exec >/dev/null": ("standard output goes elsewhere", "hm"),
    "echo hm; exec 2>/dev/null": ("standard error goes elsewhere", "hm"),
    "echo hm; exec 2>&1": ("standard error goes elsewhere", "hm"),
}


@pytest.mark.parametrize("text", BLAMES)
@pytest.mark.parametrize("become", [True, False])
def test_the_login_shell_is_named_for_what_its_files_do(
    run: Run, account: Account, text: str, become: bool
) -> None:
    account.bashrc(text)
    problem, printed = BLAMES[text]
    error = refusal(run, ConnectError, become)
    aim = "sudo" if become else "a script"
    assert problem.format(aim=aim) in error.message
    assert printed in "\n".join(error.details)
    assert "bashrc" in error.hint


@pytest.fixture
def short_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up on a shell that has not started after 2 s."""
    for module in ("conversation", "refusals"):
        name = f"provision.transport.remote_shell.{module}.START_LIMIT_S"
        monkeypatch.setattr(name, 2.0)


WAITS = {
    "echo hm; sleep 30": "the login shell did not run sudo within 2 s",
    "echo hm; cat >/dev/null": "the login shell did not run sudo within 2 s",
    "echo hm; timeout 1 cat >/dev/null": "read the script before our shell",
}


@pytest.mark.parametrize("text", WAITS)
def test_the_login_shell_is_named_for_what_it_waits_for(
    run: Run, account: Account, text: str, short_start: None
) -> None:
    account.bashrc(text)
    error = refusal(run, ConnectError)
    assert WAITS[text] in error.message
    assert error.details == ("hm",)


def test_a_sudo_that_waits_is_named(
    run: Run, account: Account, short_start: None
) -> None:
    account.program("sudo", "echo 'Verification code: ' >&2; exec sleep 20")
    error = refusal(run, PrivilegeError)
    assert "sudo started no shell within 2 s" in error.message
    assert error.details == ("Verification code:",)


def test_an_account_without_a_shell_is_not_blamed_on_sudo(
    run: Run, account: Account
) -> None:
    subprocess.run(["usermod", "-s", "/usr/sbin/nologin", account.user], check=True)
    try:
        error = refusal(run, ConnectError)
    finally:
        subprocess.run(["usermod", "-s", "/bin/bash", account.user], check=True)
    assert "the login shell ended before it ran sudo (exit code 1)" in error.message
    assert "not available" in error.details[0]
    assert "usermod -s" in error.hint


@pytest.mark.parametrize("become", [True, False])
def test_a_forced_command_is_not_blamed_on_sudo(
    run: Run, account: Account, become: bool
) -> None:
    keys = account.home / ".ssh/authorized_keys"
    before = keys.read_text()
    keys.write_text(f'command="echo backups only" {before}')
    try:
        error = refusal(run, ConnectError, become)
    finally:
        keys.write_text(before)
    assert "the login shell ended before it ran" in error.message
    assert error.details == ("backups only",)


def test_a_prompt_of_the_login_shell_gets_no_password(
    run: Run, account: Account
) -> None:
    sudoers("ALL=(ALL) ALL")
    account.bashrc(
        "printf @provision-password: >&2; timeout 1 head -n 1 >~/ran; exit 4"
    )
    with pytest.raises(ConnectError, match="ended before it ran sudo"):
        run(ansible_become_password=PASSWORD)
    assert (account.home / "ran").read_text() == ""


@pytest.mark.parametrize("text", WRAPPERS)
def test_on_this_machine_the_same_holds(
    account: Account, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.program("of_user", text)
    as_user = f"setpriv --reuid {account.user} --clear-groups"
    account.program("sudo", f'exec {as_user} {account.home}/bin/of_user "$@"')
    monkeypatch.setenv("PATH", f"{account.home}/bin:/usr/bin:/bin")
    monkeypatch.setattr("os.geteuid", lambda: 4711)
    transport = LocalTransport()
    transport.open()
    with pytest.raises(PrivilegeError, match="localhost did not become root"):
        transport.run(Script(RAN, become=True, limit_s=5))
    assert account.left() == []


def test_sudo_rs_is_understood(run: Run, account: Account) -> None:
    real = shutil.which("sudo-rs") or pytest.skip("sudo-rs is not installed here")
    account.program("sudo", f'exec {real} "$@"')
    assert run() == "0\n"
    sudoers("ALL=(ALL) ALL")
    asked = refusal(run, PrivilegeError)
    assert "may not run sudo without a password" in asked.message
    assert run(ansible_become_password=PASSWORD) == "0\n"
    told = refusal(run, PrivilegeError, ansible_become_password="wrong")
    assert "wrong password" in told.message
