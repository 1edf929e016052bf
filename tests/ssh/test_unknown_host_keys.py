"""No setting makes an unknown host key accepted."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from conftest import HostFor, Sshd, keygen

from provision import cli
from provision.errors import HostKeyError, UnknownHostKeyError
from provision.transport.ssh import SshTransport

ROOT = Path(__file__).parents[2]
LAX_SSH = """
StrictHostKeyChecking no
UserKnownHostsFile /dev/null
GlobalKnownHostsFile /dev/null
NoHostAuthenticationForLocalhost yes
CheckHostIP no
VerifyHostKeyDNS yes
UpdateHostKeys yes
LogLevel QUIET
"""
LAX_FABRIC = """
connect_kwargs:
  look_for_keys: false
  gss_kex: true
  disabled_algorithms: {}
load_ssh_configs: true
missing_host_key_policy: AutoAddPolicy
run: {warn: true}
ssh_config_path: CONFIG
"""
LAX_ENVIRONMENT = {
    "ANSIBLE_HOST_KEY_CHECKING": "False",
    "ANSIBLE_SSH_ARGS": "-o StrictHostKeyChecking=no",
    "FABRIC_CONNECT_KWARGS_GSS_KEX": "1",
    "FABRIC_LOAD_SSH_CONFIGS": "1",
    "INVOKE_RUN_WARN": "1",
    "GIT_SSH_COMMAND": "ssh -o StrictHostKeyChecking=no",
    "PROVISION_HOST_KEY_CHECKING": "no",
}
INVENTORY = """
all:
  vars:
    ansible_host: 127.0.0.1
    ansible_port: PORT
    ansible_become: false
    ansible_ssh_private_key_file: KEY
    MORE
  hosts: {node1: }
"""
BOOK = "- {play: p, hosts: all, steps: [{directory: {path: /nowhere/at/all}}]}\n"
WHERE = ("--inventory", "inv.yml", "--playbook", "book.yml")
MAIN = "import sys; from provision.cli import main; sys.argv[0] = 'invoke'; main()"


@pytest.fixture
def lax(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose owner wants every key accepted, and has set so everywhere."""
    config = home / ".ssh/config"
    config.write_text(f"Host *\n{LAX_SSH}\nHost 127.0.0.1\n{LAX_SSH}")
    for name in (".fabric.yaml", ".invoke.yaml", "fabric.yaml", "invoke.yaml"):
        (home / name).write_text(LAX_FABRIC.replace("CONFIG", str(config)))
    for name, value in LAX_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(home)
    return home


def refused(transport: SshTransport) -> HostKeyError:
    with pytest.raises(HostKeyError) as caught:
        transport.open()
    return caught.value


def logins(sshd: Sshd) -> int:
    return (sshd.folder / "log").read_text().count("Accepted")


def test_an_unknown_key_is_refused_whatever_the_home_sets(
    sshd: Sshd, host_for: HostFor, lax: Path
) -> None:
    before = logins(sshd)
    error = refused(SshTransport(host_for(sshd, host_key=None)))
    assert isinstance(error, UnknownHostKeyError)
    assert logins(sshd) == before


def test_a_changed_key_is_refused_whatever_the_home_sets(
    sshd: Sshd, host_for: HostFor, lax: Path
) -> None:
    keygen(lax / "other")
    pin = " ".join((lax / "other.pub").read_text().split()[:2])
    error = refused(SshTransport(host_for(sshd, host_key=pin)))
    assert "has changed" in error.message


def test_an_unknown_key_of_a_jump_host_is_refused(
    sshd: Sshd, host_for: HostFor, lax: Path
) -> None:
    config = lax / ".ssh/config"
    config.write_text(f"{config.read_text()}\nHost localhost\n{LAX_SSH}")
    host = host_for(sshd, ansible_ssh_common_args=f"-J localhost:{sshd.port}")
    error = refused(SshTransport(host))
    assert "the jump host [localhost]" in error.message


def test_a_refusal_writes_no_file(
    sshd: Sshd, host_for: HostFor, lax: Path, tmp_path: Path
) -> None:
    refused(SshTransport(host_for(sshd, host_key=None)))
    assert not (lax / ".ssh/known_hosts").exists()
    assert not (tmp_path / "known_hosts").exists()


def plan(
    folder: Path, sshd: Sshd, *words: str, more: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run `invoke plan` for one host whose key is not known."""
    text = INVENTORY.replace("PORT", str(sshd.port)).replace("MORE", more)
    (folder / "inv.yml").write_text(text.replace("KEY", str(sshd.key_file)))
    (folder / "book.yml").write_text(BOOK)
    return subprocess.run(
        [sys.executable, "-c", MAIN, "plan", *WHERE, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_program_refuses_an_unknown_key_in_such_a_home(
    sshd: Sshd, lax: Path
) -> None:
    before = logins(sshd)
    done = plan(lax, sshd)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "is unknown: ssh-ed25519" in done.stdout
    assert logins(sshd) == before


@pytest.mark.parametrize(
    "more",
    [
        "ansible_host_key_checking: false",
        "ansible_host_key_checking: 'no'",
        "ansible_ssh_common_args: -o StrictHostKeyChecking=no",
        "ansible_ssh_extra_args: -oStrictHostKeyChecking=accept-new",
        "ansible_ssh_common_args: -o StrictHostKeyChecking no -J localhost",
        "ansible_ssh_args: -o StrictHostKeyChecking=no",
        "host_key: ''",
        "host_key: none",
        "host_key: '*'",
    ],
)
def test_an_inventory_that_turns_the_check_off_is_refused(
    sshd: Sshd, lax: Path, more: str
) -> None:
    done = plan(lax, sshd, more=more)
    assert done.returncode == 5, done.stdout + done.stderr
    assert "inv.yml:" in done.stderr


@pytest.mark.parametrize(
    "more",
    [
        "known_hosts: /dev/null",
        "known_hosts: []",
        "ansible_ssh_common_args: -o UserKnownHostsFile=/dev/null",
    ],
)
def test_empty_known_hosts_of_an_inventory_accept_no_key(
    sshd: Sshd, lax: Path, more: str
) -> None:
    done = plan(lax, sshd, more=more)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "is unknown" in done.stdout


@pytest.mark.parametrize(
    "setting",
    [
        "ansible_host_key_checking=false",
        "ansible_ssh_common_args=-o StrictHostKeyChecking=no",
        "host_key=",
        "known_hosts=/dev/null",
    ],
)
def test_a_variable_of_the_command_line_does_not_turn_the_check_off(
    sshd: Sshd, lax: Path, setting: str
) -> None:
    done = plan(lax, sshd, "--set", setting)
    assert done.returncode in (4, 5), done.stdout + done.stderr
    assert "would change" not in done.stdout.partition("host ")[0]


def test_no_option_of_any_command_turns_the_check_off() -> None:
    commands = cli.namespace()
    options = {
        (name, argument.name)
        for name in commands.task_names
        for argument in commands[name].get_arguments()
    }
    assert {"fingerprint", "prune", "level"} <= {option for _, option in options}
    # That of `doctor` makes an error of each warning.
    options -= {("doctor", "strict")}
    lax = {"insecure", "no_verify", "accept", "strict"}
    assert not lax & {option for _, option in options}


def names(source: Path) -> Mapping[str, int]:
    return {
        node.attr if isinstance(node, ast.Attribute) else node.id: node.lineno
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Attribute | ast.Name)
    }


def test_no_policy_that_accepts_anything_is_named_in_the_source() -> None:
    for source in (ROOT / "provision").rglob("*.py"):
        found = names(source).keys() & {"AutoAddPolicy", "WarningPolicy"}
        assert not found, source
