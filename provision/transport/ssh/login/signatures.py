"""The signatures that a key may be used with: those that ssh_config allows and sshd takes.

Source: ssh_config(5), PubkeyAcceptedAlgorithms; RFC 8332 for RSA and `server-sig-algs`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from provision.config.ssh import chosen
from provision.transport.ssh.login.public_key import CERTIFICATE

RSA = "ssh-rsa"
RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256")
PLAIN = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    *RSA_SIGNATURES,
)
OF_SECURITY_KEYS = (
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
CERTIFIED = (
    *(name + CERTIFICATE for name in PLAIN),
    *(name.replace("@openssh.com", CERTIFICATE) for name in OF_SECURITY_KEYS),
)
ALL = (*CERTIFIED, *PLAIN, *OF_SECURITY_KEYS)
"""All that are made here. SHA-1 signatures of RSA keys are not, as in ssh since 8.8."""
SHA1_WANTED = "sshd wants SHA-1 signatures"
NOT_ALLOWED = "PubkeyAcceptedAlgorithms of ssh_config does not allow it"


def allowed(option: str) -> tuple[str, ...]:
    """Return the signatures that PubkeyAcceptedAlgorithms allows.

    Args:
        option: its value, with patterns and a sign as ssh_config has them; "" = not set.
    """
    return chosen(option, ALL, ALL) if option else ALL


def of_key(kind: str, permitted: Collection[str]) -> tuple[str, ...]:
    """Return the signatures of a key of type *kind* that are *permitted*, best first."""
    plain = kind.removesuffix(CERTIFICATE)
    if plain != RSA:
        return (kind,) if kind in permitted else ()
    suffix = kind.removeprefix(RSA)
    names = (name + suffix for name in RSA_SIGNATURES)
    return tuple(name for name in names if name in permitted)


def unusable(kind: str, permitted: Collection[str], accepted: Sequence[str]) -> str:
    """Return why no signature of a key of type *kind* can be used; "" = one can.

    Args:
        kind: the type of the key or certificate.
        permitted: what ssh_config allows.
        accepted: what sshd says that it accepts; empty if it does not say.
    """
    names = of_key(kind, permitted)
    if not names:
        return NOT_ALLOWED
    # Only of RSA keys are there signatures that an sshd may not know.
    rsa = kind.removesuffix(CERTIFICATE) == RSA
    if rsa and accepted and not {*plain(names)} & {*accepted}:
        return SHA1_WANTED
    return ""


def best(kind: str, permitted: Collection[str], accepted: Sequence[str]) -> str:
    """Return the signature to use of a key of type *kind*, which must not be unusable."""
    names = of_key(kind, permitted)
    return next((n for n in names if n.removesuffix(CERTIFICATE) in accepted), names[0])


def plain(names: Sequence[str]) -> list[str]:
    """Return *names* without what marks certificates."""
    return [name.removesuffix(CERTIFICATE) for name in names]
