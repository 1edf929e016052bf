"""The algorithms of a connection: those too few, too slow or soon too weak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import paramiko

from provision.config.ssh import chosen
from provision.errors import ConnectError

QUANTUM_SAFE = ("mlkem", "sntrup")
"""Beginnings of the names of key exchanges that quantum computers will not break."""
NOT_ALGORITHMS = ("ext-info-", "kex-strict-")
"""Beginnings of what stands in the list of key exchanges without being one."""
NAMES = {
    "KexAlgorithms": "key exchange",
    "HostKeyAlgorithms": "type of host key",
    "Ciphers": "cipher",
    "MACs": "MAC",
}
"""The kinds of algorithms by the option of sshd_config that lists them, in the order in
which a connection agrees on them."""
KINDS: Mapping[str, tuple[str, str]] = {
    "ciphers": ("ciphers", "_cipher_info"),
    "hostkeyalgorithms": ("key_types", "_key_info"),
    "kexalgorithms": ("kex", "_kex_info"),
    "macs": ("digests", "_mac_info"),
}
"""Paramiko's names for the list of each option, and for all that it has."""


def missing(
    offers: Mapping[str, Sequence[str]], ours: Mapping[str, Sequence[str]]
) -> tuple[str, str]:
    """Return the kind of algorithm that both sides have none of, and what to do.

    Args:
        offers: the host's algorithms, by the option of sshd_config.
        ours: those that we have.
    """
    for option, name in NAMES.items():
        theirs = [n for n in offers.get(option, ()) if not n.startswith(NOT_ALGORITHMS)]
        if theirs and not set(theirs) & set(ours[option]):
            problem = f"no {name} in common: it offers only {', '.join(theirs)}"
            return problem, _advice(option, ours[option])
    return "no algorithm in common", ""


def _advice(option: str, ours: Sequence[str]) -> str:
    some = ", ".join(ours[:3])
    if option == "HostKeyAlgorithms":
        return (
            f"give the host a key of another type ({some}): ssh-keygen -A there, and a "
            "HostKey line in its sshd_config; or allow one in HostKeyAlgorithms"
        )
    return f"allow one of ours in {option} of its sshd_config: {some}"


def slow_kex_warning(exchange: str) -> str:
    """Return a warning about *exchange*, or "" if it is a fast one.

    Classic Diffie-Hellman takes 30 to 95 ms of CPU for a connection here, one after
    the other; curve25519 takes less than 5.
    """
    if not exchange.startswith("diffie-hellman-"):
        return ""
    return (
        f"sshd chose the key exchange {exchange}, which costs this machine about ten "
        "times the CPU of curve25519: allow curve25519-sha256@libssh.org in "
        "KexAlgorithms of its sshd_config"
    )


def is_quantum_safe(exchange: str) -> bool:
    """Tell whether a quantum computer could not read a recording of the connection."""
    return exchange.startswith(QUANTUM_SAFE)


class NoAlgorithmError(ConnectError):
    """None of the algorithms that ssh_config allows can be used here."""

    final = True


def restrict(transport: paramiko.Transport, algorithms: Mapping[str, str]) -> None:
    """Let *transport* offer what ssh_config says, by the names of its options.

    Raises:
        NoAlgorithmError: of one kind nothing remains.
    """
    options = transport.get_security_options()
    for name in algorithms.keys() & KINDS.keys():
        listed, known = KINDS[name][0], getattr(transport, KINDS[name][1])
        names = chosen(algorithms[name], getattr(options, listed), known)
        if not names:
            raise NoAlgorithmError(
                f"none of the {name} that ssh_config allows can be used here: "
                f"{algorithms[name]}",
                hint=f"allow one of {', '.join(known)}",
            )
        setattr(options, listed, names)


FAST_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
"""Ciphers that copy files at twice the speed of paramiko's first one, aes128-ctr."""


def prefer_fast_ciphers(transport: paramiko.Transport) -> None:
    """Offer the fast ciphers first; ssh_config may say otherwise afterwards."""
    options = transport.get_security_options()
    rest = [name for name in options.ciphers if name not in FAST_CIPHERS]
    first = [name for name in FAST_CIPHERS if name in options.ciphers]
    options.ciphers = (*first, *rest)


def prefer_kinds(transport: paramiko.Transport, kinds: Sequence[str]) -> None:
    """Prefer the key types known of the host: it may have others as well."""
    options = transport.get_security_options()
    names = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
    wanted = [name for kind in kinds for name in names.get(kind, (kind,))]
    first = [name for name in wanted if name in options.key_types]
    rest = [name for name in options.key_types if name not in first]
    options.key_types = (*first, *rest)
