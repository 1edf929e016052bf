"""The keys to try at a host, in ssh's order.

First the keys that the inventory or ssh_config names: their certificates, then those the
agent has, then the files. Then the agent's other keys, unless IdentitiesOnly says not to.
Where no key is named ssh's default files are, but the agent's other keys precede them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from provision.transport.ssh.known_hosts import fingerprint
from provision.transport.ssh.login.agent import Agent, AgentError
from provision.transport.ssh.login.private_key import load_private_key
from provision.transport.ssh.login.public_key import (
    CERTIFICATE_FILE,
    certified_key,
    key_type,
    read_certificate,
    read_public_key,
    with_suffix,
)

DEFAULT_KEYS = (
    "~/.ssh/id_ed25519",
    "~/.ssh/id_ecdsa",
    "~/.ssh/id_rsa",
    "~/.ssh/id_ed25519_sk",
    "~/.ssh/id_ecdsa_sk",
)
"""The files tried where no key is named."""

SECURITY_KEY = "is on a security key, which the agent has to use: ssh-add it"

Sign = Callable[[bytes, str], bytes]


@dataclass(frozen=True, slots=True)
class Identity:
    """A key or certificate to try.

    Attributes:
        name: its name for a person.
        blob: the public key or certificate.
        sign: returns the signature of data by an algorithm.
        held: the agent has its private key.
    """

    name: str
    blob: bytes
    sign: Sign
    held: bool = False

    @property
    def title(self) -> str:
        """Its name and fingerprint."""
        return f"{self.name} ({fingerprint(certified_key(self.blob) or self.blob)})"


@dataclass(slots=True)
class Identities:
    """The identities for one login, each once and in the order to try them.

    Args:
        files: the key files that are named; the default ones if there is none.
        certificates: the certificate files that are named.
        defaults: try the default files if none is named (`IdentityFile none` says no).
        only: leave out the agent's other keys.
        agent: a connection to the agent, if there is one.

    Attributes:
        unusable: the named files that are of no use, and why.
    """

    files: Sequence[Path] = ()
    certificates: Sequence[Path] = ()
    only: bool = False
    defaults: bool = True
    agent: Agent | None = None
    unusable: list[tuple[Path, str]] = field(default_factory=list)
    _of_agent: dict[bytes, Identity] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Identity]:
        """Yield them; those of default files are loaded when their turn comes."""
        self._of_agent = {one.blob: one for one in _held(self.agent)}
        seen: set[bytes] = set()
        for one in self._in_order():
            if one.blob not in seen:
                seen.add(one.blob)
                yield one

    def _in_order(self) -> Iterator[Identity]:
        defaults = _default_files() if self.defaults else ()
        files = self.files or tuple(defaults)
        keys = [key for path in files if (key := self._key(path))]
        held = [key for key in keys if key.held]
        of_files = [key for key in keys if not key.held]
        others = [] if self.only else list(self._of_agent.values())
        yield from self._certificates(files, keys)
        yield from held
        if self.files:
            yield from (*of_files, *others)
        else:
            yield from (*others, *of_files)

    def _key(self, path: Path) -> Identity | None:
        """Return the key that *path* names, of the agent or from the file."""
        public = read_public_key(path)
        if public and (held := self._of_agent.get(public)):
            return replace(held, name=f"{path} in the agent")
        if public and key_type(public).startswith("sk-"):
            self.unusable.append((path, SECURITY_KEY))
            return None
        key = load_private_key(path)
        if isinstance(key, str) and path.suffix == ".pub":
            key = load_private_key(path.with_suffix(""))
        if not isinstance(key, str):
            return Identity(str(path), key.blob, key.sign)
        if public and not key.startswith("needs"):
            key = (
                "names a key that is not in the agent, and there is no private key file"
            )
        self.unusable.append((path, key))
        return None

    def _certificates(
        self, files: Iterable[Path], keys: Iterable[Identity]
    ) -> Iterator[Identity]:
        """Yield the certificates whose private key there is."""
        signing = self._of_agent | {key.blob: key for key in keys}
        beside = [with_suffix(path, CERTIFICATE_FILE) for path in files]
        for path in (*self.certificates, *filter(Path.exists, beside)):
            certificate = read_certificate(path)
            plain = certified_key(certificate) if certificate else None
            if certificate and plain in signing:
                key = signing[plain]
                yield replace(key, name=str(path), blob=certificate)
            else:
                reason = (
                    "is not a certificate" if not plain else "has no private key here"
                )
                self.unusable.append((path, reason))


def _held(agent: Agent | None) -> Iterator[Identity]:
    """Yield the keys of *agent*; none if it does not answer."""
    if agent is None:
        return
    try:
        keys = agent.keys()
    except AgentError:
        return
    for key in keys:
        name = f"{key.comment or 'key'} of the agent"
        yield Identity(
            name, key.blob, functools.partial(agent.sign, key.blob), held=True
        )


def _default_files() -> Iterator[Path]:
    """Yield the default files that exist, or whose public key does."""
    for name in DEFAULT_KEYS:
        path = Path(name).expanduser()
        if path.exists() or with_suffix(path, ".pub").exists():
            yield path
