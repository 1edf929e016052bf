"""Keys are chosen as ssh chooses them: named ones, the agent's, certificates."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import paramiko
import pytest
from conftest import (
    Agent,
    HostFor,
    Sshd,
    Start,
    add_key,
    connects,
    keygen,
    refusal,
)
from cryptography.hazmat.primitives import serialization

from provision.errors import AuthError
from provision.transport.ssh import SshTransport
from provision.transport.ssh.peer import PeerTransport


@pytest.fixture
def sshd(each_sshd: Sshd) -> Sshd:
    """The sshd of these tests, of each of the servers."""
    return each_sshd


@pytest.fixture
def locked(sshd: Sshd, home: Path) -> Path:
    """The key that logs in, encrypted, as the user's default key."""
    path = home / ".ssh/id_ed25519"
    shutil.copy(sshd.key_file, path)
    shutil.copy(sshd.key_file.with_suffix(".pub"), path.with_suffix(".pub"))
    command = ["ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


ONLY = "Host *\n  IdentitiesOnly yes\n"


@pytest.mark.parametrize("public", [True, False])
@pytest.mark.parametrize(
    "config",
    [
        f"{ONLY}  IdentityFile ~/.ssh/id_ed25519\n",
        f"{ONLY}  IdentityFile ~/.ssh/id_ed25519.pub\n",
        ONLY,
        "",
    ],
)
def test_an_encrypted_key_in_the_agent_logs_in(
    sshd: Sshd,
    host_for: HostFor,
    home: Path,
    locked: Path,
    agent: Agent,
    config: str,
    public: bool,
) -> None:
    agent(locked, passphrase="secret")
    (home / ".ssh/config").write_text(config)
    if not public and ".pub" not in config:
        locked.with_suffix(".pub").unlink()
    assert connects(SshTransport(host_for(sshd, ansible_ssh_private_key_file=None)))


def test_a_public_key_without_its_private_file_logs_in_by_the_agent(
    sshd: Sshd, host_for: HostFor, locked: Path, agent: Agent
) -> None:
    agent(locked, passphrase="secret")
    locked.unlink()
    for name in (locked, locked.with_suffix(".pub")):
        host = host_for(sshd, ansible_ssh_private_key_file=str(name))
        assert connects(SshTransport(host))


def test_a_public_key_that_nobody_has_the_private_half_of_is_named(
    sshd: Sshd, host_for: HostFor, locked: Path
) -> None:
    locked.unlink()
    host = host_for(sshd, ansible_ssh_private_key_file=f"{locked}.pub")
    error = refusal(SshTransport(host))
    assert isinstance(error, AuthError)
    assert "not in the agent, and there is no private key file" in error.hint


def test_a_named_key_in_the_agent_is_tried_before_the_agents_others(
    start: Start, host_for: HostFor, tmp_path: Path, agent: Agent
) -> None:
    server = start("MaxAuthTries 2")
    agent(*other_keys(tmp_path, 3), server.key_file)
    assert connects(SshTransport(host_for(server)))


def other_keys(folder: Path, count: int) -> list[Path]:
    """Make *count* keys that log in nowhere."""
    keys = [folder / f"other{number}" for number in range(count)]
    for key in keys:
        keygen(key)
    return keys


def test_with_identities_only_the_agents_other_keys_are_not_tried(
    sshd: Sshd, host_for: HostFor, home: Path, agent: Agent
) -> None:
    agent(sshd.key_file)
    keygen(home / ".ssh/mine")
    (home / ".ssh/config").write_text(f"{ONLY}  IdentityFile ~/.ssh/mine\n")
    error = refusal(SshTransport(host_for(sshd, ansible_ssh_private_key_file=None)))
    assert [line for line in error.details if "agent" in line] == []
    assert len(error.details) == 1


def test_identity_agent_is_asked_instead_of_that_of_the_environment(
    sshd: Sshd, host_for: HostFor, home: Path, locked: Path, agent: Agent
) -> None:
    path = agent(locked, passphrase="secret", default=False)
    host = host_for(sshd, ansible_ssh_private_key_file=None)
    assert isinstance(refusal(SshTransport(host)), AuthError)
    (home / ".ssh/config").write_text(f"Host *\n  IdentityAgent {path}\n")
    assert connects(SshTransport(host))


def test_identity_agent_none_means_no_agent(
    sshd: Sshd, host_for: HostFor, home: Path, agent: Agent
) -> None:
    agent(sshd.key_file)
    (home / ".ssh/config").write_text("Host *\n  IdentityAgent none\n")
    host = host_for(sshd, ansible_ssh_private_key_file=None)
    assert "there is no key to try" in refusal(SshTransport(host)).hint


def test_an_agent_that_is_gone_is_none(
    sshd: Sshd, host_for: HostFor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "gone"))
    assert connects(SshTransport(host_for(sshd)))


@pytest.fixture
def certified(start: Start, home: Path) -> Sshd:
    """An sshd that takes certificates alone, and `~/.ssh/own` with one."""
    folder = home / "ca"
    folder.mkdir()
    keygen(folder / "ca")
    keygen(home / ".ssh/own")
    server = start(f"TrustedUserCAKeys {folder}/ca.pub")
    (server.folder / "authorized_keys").write_text("")
    sign = ["ssh-keygen", "-q", "-s", str(folder / "ca"), "-I", "me", "-n"]
    users = subprocess.run(["id", "-un"], check=True, capture_output=True, text=True)
    subprocess.run(
        [*sign, users.stdout.strip(), str(home / ".ssh/own.pub")], check=True
    )
    return server


def test_a_certificate_beside_its_key_logs_in(
    certified: Sshd, host_for: HostFor, home: Path
) -> None:
    host = host_for(certified, ansible_ssh_private_key_file=str(home / ".ssh/own"))
    assert connects(SshTransport(host))


@pytest.mark.parametrize("in_agent", [True, False])
def test_a_named_certificate_logs_in(
    certified: Sshd, host_for: HostFor, home: Path, agent: Agent, in_agent: bool
) -> None:
    (home / ".ssh/own-cert.pub").rename(home / "certificate")
    (home / ".ssh/config").write_text(
        f"{ONLY}  CertificateFile ~/certificate\n"
        + ("" if in_agent else "  IdentityFile ~/.ssh/own\n")
    )
    if in_agent:
        agent(home / ".ssh/own")
        (home / ".ssh/own").unlink()
    host = host_for(certified, ansible_ssh_private_key_file=None)
    assert connects(SshTransport(host))


def test_a_certificate_in_the_agent_logs_in(
    certified: Sshd, host_for: HostFor, home: Path, agent: Agent
) -> None:
    agent(home / ".ssh/own")
    for name in ("own", "own.pub", "own-cert.pub"):
        (home / ".ssh" / name).unlink()
    host = host_for(certified, ansible_ssh_private_key_file=None)
    assert connects(SshTransport(host))


def test_a_certificate_that_is_refused_leaves_the_key_itself_to_try(
    sshd: Sshd, host_for: HostFor, home: Path
) -> None:
    keygen(home / "ca")
    own = home / ".ssh/own"
    shutil.copy(sshd.key_file, own)
    shutil.copy(sshd.key_file.with_suffix(".pub"), own.with_suffix(".pub"))
    sign = ["ssh-keygen", "-q", "-s", str(home / "ca"), "-I", "me", f"{own}.pub"]
    subprocess.run(sign, check=True)
    host = host_for(sshd, ansible_ssh_private_key_file=str(own))
    assert connects(SshTransport(host))


@pytest.mark.parametrize("encrypted", [True, False])
@pytest.mark.parametrize(
    ("form", "kind"),
    [(f, k) for f in ("PKCS8", "OpenSSH") for k in ("rsa", "ecdsa", "ed25519")]
    + [("PEM", "rsa"), ("PEM", "ecdsa")],
)
def test_every_format_of_a_private_key_logs_in(
    sshd: Sshd,
    host_for: HostFor,
    home: Path,
    agent: Agent,
    form: str,
    kind: str,
    encrypted: bool,
) -> None:
    path = home / ".ssh/key"
    keygen(path, kind)
    authorize(sshd, path)
    if encrypted:
        add_key(agent(), path)
    convert(path, form, b"secret" if encrypted else b"")
    host = host_for(sshd, ansible_ssh_private_key_file=str(path))
    assert connects(SshTransport(host))


def authorize(sshd: Sshd, key: Path) -> None:
    """Let *key* log in as well."""
    with (sshd.folder / "authorized_keys").open("a") as file:
        file.write(key.with_suffix(".pub").read_text())


def convert(path: Path, form: str, passphrase: bytes) -> None:
    """Write the private key in *path* anew, in another format."""
    formats = {
        "PKCS8": serialization.PrivateFormat.PKCS8,
        "PEM": serialization.PrivateFormat.TraditionalOpenSSL,
        "OpenSSH": serialization.PrivateFormat.OpenSSH,
    }
    key = serialization.load_ssh_private_key(path.read_bytes(), None)
    encryption = (
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption()
    )
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, formats[form], encryption)
    )


def test_an_encrypted_pkcs8_key_that_is_not_in_the_agent_is_named(
    sshd: Sshd, host_for: HostFor, home: Path
) -> None:
    path = home / ".ssh/key"
    keygen(path)
    convert(path, "PKCS8", b"secret")
    host = host_for(sshd, ansible_ssh_private_key_file=str(path))
    assert refusal(SshTransport(host)).hint.endswith(f"ssh-add {path}")


@pytest.mark.parametrize("bits", ["384", "521"])
def test_longer_curves_log_in(
    sshd: Sshd, host_for: HostFor, home: Path, bits: str
) -> None:
    path = home / ".ssh/key"
    make = ["ssh-keygen", "-q", "-t", "ecdsa", "-b", bits, "-N", "", "-f", str(path)]
    subprocess.run(make, check=True)
    authorize(sshd, path)
    host = host_for(sshd, ansible_ssh_private_key_file=str(path))
    assert connects(SshTransport(host))


def test_an_rsa_key_in_the_agent_logs_in(
    sshd: Sshd, host_for: HostFor, home: Path, agent: Agent
) -> None:
    keygen(home / "rsa", "rsa")
    authorize(sshd, home / "rsa")
    agent(home / "rsa")
    host = host_for(sshd, ansible_ssh_private_key_file=None)
    assert connects(SshTransport(host))


def test_keys_stop_when_sshd_hangs_up_and_the_error_says_after_how_many(
    start: Start, host_for: HostFor, home: Path, agent: Agent
) -> None:
    server = start("MaxAuthTries 3")
    agent(*other_keys(home, 7))
    keygen(home / "named")
    host = host_for(server, ansible_ssh_private_key_file=str(home / "named"))
    error = refusal(SshTransport(host))
    assert isinstance(error, AuthError)
    assert "sshd hung up after 3 of 8 keys (MaxAuthTries)" in error.message
    assert "IdentitiesOnly yes" in error.hint
    assert sum(line.startswith("tried ") for line in error.details) == 3
    assert "sshd said: Too many authentication failures" in error.details


def requests_sent(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The requests of all logins from now on; each is a round trip."""
    sent: list[object] = []
    send = PeerTransport.send

    def counted(peer: PeerTransport, message: paramiko.Message) -> None:
        sent.append(message)
        send(peer, message)

    monkeypatch.setattr(PeerTransport, "send", counted)
    return sent


def test_a_key_from_a_file_logs_in_with_one_request(
    sshd: Sshd, host_for: HostFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = requests_sent(monkeypatch)
    assert connects(SshTransport(host_for(sshd)))
    assert len(sent) == 2, "the service, and the key with its signature"


def test_the_agent_signs_only_once_sshd_has_said_that_it_wants_the_key(
    sshd: Sshd,
    host_for: HostFor,
    locked: Path,
    agent: Agent,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    agent(locked, passphrase="secret")
    sent = requests_sent(monkeypatch)
    assert connects(SshTransport(host_for(sshd, ansible_ssh_private_key_file=None)))
    assert len(sent) == 3, "the service, the key, and its signature"


@pytest.mark.parametrize(
    ("option", "found"),
    [("rsa-sha2-256", "rsa"), ("rsa-*", "rsa"), ("-ssh-rsa", "rsa"), ("ssh-*", None)],
)
def test_only_signatures_that_ssh_config_allows_are_made(
    start: Start, host_for: HostFor, home: Path, option: str, found: str | None
) -> None:
    sshd = start("")
    keygen(home / ".ssh/id_rsa", "rsa")
    shutil.copy(home / ".ssh/id_rsa.pub", sshd.folder / "authorized_keys")
    (home / ".ssh/config").write_text(f"Host *\n  PubkeyAcceptedAlgorithms {option}\n")
    transport = SshTransport(host_for(sshd, ansible_ssh_private_key_file=None))
    if found:
        assert connects(transport)
        return
    error = refusal(transport)
    assert isinstance(error, AuthError)
    assert "PubkeyAcceptedAlgorithms of your ssh_config" in error.hint
    assert any("id_rsa" in line for line in error.details)
