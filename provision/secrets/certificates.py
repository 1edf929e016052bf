"""Certificates of a cluster's hosts, from an authority that is the cluster's own.

`certificate(host)` in a playbook gives `.authority`, `.certificate` and `.key`, each
as PEM text. All are kept in `.provision/CLUSTER/tls` beside the inventory, each key with
its certificate in one file that only its owner may read. What is missing, near its end
or not for the host's address is made anew when a run changes hosts; so a certificate
that is about to end is a changed file to every plan.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr

from provision.atomic_file import replace
from provision.errors import SecretError
from provision.secrets.signing import (
    HOST_DAYS,
    Addressed,
    Pair,
    is_signed,
    issue,
    issue_authority,
    names,
    names_in,
)

RENEW_DAYS = 30
"""So long before its end a certificate is replaced."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """Certificate, key and authority of one host, as PEM text."""

    authority: str
    certificate: str
    key: SecretStr


class Certificates:
    """The authority of one cluster and the certificates of its hosts.

    Args:
        folder: where their files are.
        cluster: the name in the authority's certificate.
        keep: whether what is made is kept; otherwise it is only for this run.
        clock: what time it is.

    Attributes:
        told: what was made anew because its end was near, in words.
        made: whether anything was made.
        added: files that did not exist before.
        new: whether there was no authority.
    """

    def __init__(
        self,
        folder: Path,
        cluster: str,
        *,
        keep: bool,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._folder = folder
        self._cluster = cluster
        self._keep = keep
        self._clock = clock
        self._authority: Pair | None = None
        self._hosts: dict[str, Pair] = {}
        self.told: list[str] = []
        self.made = False
        self.added: list[Path] = []

    @property
    def new(self) -> bool:
        return not self._file("authority").exists()

    def of(self, host: Addressed) -> Certificate:
        """The certificate of *host*.

        Raises:
            SecretError: a file cannot be read or made, or is none of ours.
        """
        authority = self._authority = self._authority or self._find_authority()
        if host.name not in self._hosts:
            self._hosts[host.name] = self._find(host, authority)
        pair = self._hosts[host.name]
        return Certificate(authority.pem(), pair.pem(), SecretStr(pair.key_pem()))

    def _find_authority(self) -> Pair:
        name = f"the authority of {self._cluster}"
        pair = self._read("authority")
        if pair and not self._ends(pair, HOST_DAYS + RENEW_DAYS, name):
            return pair
        return self._kept("authority", issue_authority(self._cluster, self._clock()))

    def _find(self, host: Addressed, authority: Pair) -> Pair:
        pair = self._read(f"host-{host.name}")
        fits = pair and is_signed(pair, authority) and names_in(pair) == names(host)
        if pair and fits and not self._ends(pair, RENEW_DAYS, host.name):
            return pair
        return self._kept(f"host-{host.name}", issue(host, authority, self._clock()))

    def _ends(self, pair: Pair, days: int, whose: str) -> bool:
        soon = pair.end < self._clock() + timedelta(days=days)
        if soon:
            done = (
                "a new one was made"
                if self._keep
                else "the next deploy makes a new one"
            )
            self.told.append(
                f"the certificate of {whose} ends {pair.end:%Y-%m-%d}: {done}"
            )
        return soon

    def _file(self, name: str) -> Path:
        return self._folder / f"{quote(name, safe='')}.pem"

    def _read(self, name: str) -> Pair | None:
        file = self._file(name)
        try:
            if not file.exists():
                return None
            if file.stat().st_mode & 0o077:
                raise SecretError(
                    "others may read the file of the key",
                    file=str(file),
                    hint=f"chmod 600 {file}",
                )
            data = file.read_bytes()
            key = serialization.load_pem_private_key(data, None)
            found = x509.load_pem_x509_certificate(data)
        except (OSError, ValueError, TypeError) as error:
            raise SecretError(
                f"no key with its certificate: {error}",
                file=str(file),
                hint="put it back from a copy; without it, move the folder away to "
                "make all certificates anew",
            ) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise SecretError("the key is of another kind than ours", file=str(file))
        return Pair(found, key)

    def _kept(self, name: str, pair: Pair) -> Pair:
        self.made = True
        if self._keep:
            if not self._file(name).exists():
                self.added.append(self._file(name))
            try:
                replace(self._file(name), (pair.key_pem() + pair.pem()).encode())
            except OSError as error:
                raise SecretError(f"a certificate cannot be kept: {error}") from error
        return pair
