"""Which signatures of a key ssh_config and sshd allow."""

from __future__ import annotations

import pytest

from provision.config.ssh import chosen
from provision.transport.ssh.login.signatures import (
    NOT_ALLOWED,
    PLAIN,
    SHA1_WANTED,
    allowed,
    best,
    unusable,
)

CERTIFIED_RSA = "ssh-rsa-cert-v01@openssh.com"


@pytest.mark.parametrize(
    ("option", "kind", "accepted", "reason"),
    [
        ("", "ssh-ed25519", [], ""),
        ("", "ssh-rsa", [], ""),
        ("", "ssh-rsa", ["ssh-rsa"], SHA1_WANTED),
        ("ssh-rsa", "ssh-rsa", [], NOT_ALLOWED),
        ("rsa-sha2-256", "ssh-rsa", ["rsa-sha2-512"], SHA1_WANTED),
        ("-ssh-ed25519", "ssh-ed25519", [], NOT_ALLOWED),
        ("-ssh-ed25519*", "ssh-ed25519-cert-v01@openssh.com", [], NOT_ALLOWED),
        ("rsa-*", "ssh-rsa", [], ""),
        ("rsa-*", "ssh-ed25519", [], NOT_ALLOWED),
        ("^rsa-sha2-256", "ssh-ed25519", [], ""),
        ("*", "ecdsa-sha2-nistp384", ["ssh-ed25519"], ""),
        ("sk-*", "sk-ssh-ed25519@openssh.com", [], ""),
        ("rsa-sha2-512", CERTIFIED_RSA, [], NOT_ALLOWED),
    ],
)
def test_a_key_is_used_only_as_both_allow(
    option: str, kind: str, accepted: list[str], reason: str
) -> None:
    assert unusable(kind, allowed(option), accepted) == reason


@pytest.mark.parametrize(
    ("option", "kind", "accepted", "name"),
    [
        ("", "ssh-rsa", [], "rsa-sha2-512"),
        ("", "ssh-rsa", ["rsa-sha2-256"], "rsa-sha2-256"),
        ("rsa-sha2-256", "ssh-rsa", ["rsa-sha2-512", "rsa-sha2-256"], "rsa-sha2-256"),
        ("", CERTIFIED_RSA, ["rsa-sha2-256"], "rsa-sha2-256-cert-v01@openssh.com"),
        ("", "ssh-ed25519", ["rsa-sha2-512"], "ssh-ed25519"),
    ],
)
def test_the_best_signature_that_both_allow_is_used(
    option: str, kind: str, accepted: list[str], name: str
) -> None:
    assert best(kind, allowed(option), accepted) == name


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ssh-ed25519,rsa-*", ("ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256")),
        ("^rsa-sha2-256,unknown", ("rsa-sha2-256", "ssh-ed25519")),
        ("+rsa*", ("ssh-ed25519", "rsa-sha2-256", "rsa-sha2-512")),
        ("-ssh*", ("rsa-sha2-256",)),
    ],
)
def test_lists_have_the_patterns_of_ssh(text: str, names: tuple[str, ...]) -> None:
    usual = ("ssh-ed25519", "rsa-sha2-256")
    assert chosen(text, usual, PLAIN) == names
