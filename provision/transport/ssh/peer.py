"""The other side of a connection: paramiko's transport, which forgets what it learns."""

from __future__ import annotations

import contextlib
from typing import Any

import paramiko


class PeerTransport(paramiko.Transport):
    """Paramiko's, which remembers the other side's words and offers.

    Attributes:
        exchange: the name of the key exchange that was agreed on.
        offers: its algorithms by the option of sshd_config that lists them.
        farewell: its words when it ended the connection.
    """

    exchange = ""
    farewell = ""
    _engine: Any = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.offers: dict[str, list[str]] = {}

    @property
    def ours(self) -> dict[str, tuple[str, ...]]:
        """Our algorithms, by the same options."""
        return {
            "KexAlgorithms": tuple(self.preferred_kex),
            "HostKeyAlgorithms": tuple(self.preferred_keys),
            "Ciphers": tuple(self.preferred_ciphers),
            "MACs": tuple(self.preferred_macs),
        }

    @property
    def signature_algorithms(self) -> list[str]:
        """The signatures that it accepts of a key; empty if it does not say."""
        extensions: dict[str, bytes] = getattr(self, "server_extensions", {})
        text = extensions.get("server-sig-algs", b"").decode("ascii", "replace")
        return [name for name in text.split(",") if name]

    def send(self, message: paramiko.Message) -> None:
        """Send *message*; the end of the connection is noticed by who reads."""
        with contextlib.suppress(OSError, EOFError), self.lock:
            self._send_message(message)  # type: ignore[attr-defined]

    def log_in(self, authentication: Any) -> None:
        """Give the messages of a login to *authentication*."""
        self.auth_handler = authentication

    def logged_in(self) -> None:
        """Note that the login succeeded, before more messages are read."""
        self._auth_trigger()  # type: ignore[attr-defined]

    @property
    def kex_engine(self) -> Any:
        """The object that does the exchange while it lasts; None before and after."""
        return self._engine

    @kex_engine.setter
    def kex_engine(self, engine: Any) -> None:
        self._engine = engine
        if engine:
            self.exchange = str(getattr(engine, "name", None) or "")

    def _really_parse_kex_init(self, message: Any, *args: Any, **options: Any) -> Any:
        parsed = super()._really_parse_kex_init(message, *args, **options)  # type: ignore[misc]
        for option, kind in (
            ("KexAlgorithms", "kex_algo_list"),
            ("HostKeyAlgorithms", "server_key_algo_list"),
            ("Ciphers", "server_encrypt_algo_list"),
            ("MACs", "server_mac_algo_list"),
        ):
            self.offers[option] = list(parsed[kind])
        return parsed

    def _parse_disconnect(self, message: Any) -> None:
        message.get_int()
        self.farewell = message.get_string().decode("utf-8", "replace").strip()
