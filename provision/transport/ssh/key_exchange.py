"""The key exchange a connection agreed on, and what it costs; paramiko forgets it."""

from __future__ import annotations

from typing import Any

import paramiko


class KexTransport(paramiko.Transport):
    """Paramiko's, which remembers the name of its key exchange in `exchange`."""

    exchange = ""
    _engine: Any = None

    @property
    def kex_engine(self) -> Any:
        """The object that does the exchange while it lasts; None before and after."""
        return self._engine

    @kex_engine.setter
    def kex_engine(self, engine: Any) -> None:
        self._engine = engine
        if engine:
            self.exchange = str(getattr(engine, "name", None) or "")


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
