"""The algorithms of a connection: those too few, too slow or soon too weak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
