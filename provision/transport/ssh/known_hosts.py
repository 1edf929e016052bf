"""The known host keys: pins and known_hosts files, each parsed once.

The most specific source that knows a host decides alone: its pin in the inventory,
then the inventory's known_hosts files, then those of the user and the system.
Format of the files: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT.
"""

from __future__ import annotations

import base64
import binascii
import fnmatch
import functools
import hashlib
import hmac
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from provision.errors import HostKeyError, InventoryError, UnknownHostKeyError
from provision.model.shell import quote

SSH_PORT = 22
KRL = b"SSHKRL"
"""The beginning of a binary list of revoked keys, as ssh-keygen -k makes it."""


@dataclass(frozen=True, slots=True)
class KnownKey:
    """One known key: its type, its base64 text, and the line that has it."""

    kind: str
    text: str
    file: str
    line: int = 0
    revoked: bool = False

    @property
    def where(self) -> str:
        """The file and line that have the key."""
        return f"{self.file}:{self.line}" if self.line else self.file

    @property
    def fingerprint(self) -> str:
        """The key's fingerprint, or "(not a key)"."""
        try:
            return fingerprint(base64.b64decode(self.text))
        except binascii.Error:
            return "(not a key)"


class KnownHosts:
    """One known_hosts file: plain names by dictionary, the rest by trying each."""

    def __init__(self, path: Path) -> None:
        self._plain: dict[str, list[KnownKey]] = {}
        self._other: list[tuple[str, KnownKey]] = []
        for number, line in enumerate(_read(path).splitlines(), start=1):
            self._add(line, str(path), number)

    @staticmethod
    def of(path: Path) -> KnownHosts:
        """Return the file as it is now; parse it again only when it changed."""
        try:
            stat = path.stat()
        except OSError:
            return _parse(path, None)
        return _parse(path, (stat.st_mtime_ns, stat.st_size, stat.st_ino))

    def find(self, name: str) -> Iterator[KnownKey]:
        """Yield the keys known for *name*, a host as `name` or `[name]:port`."""
        yield from self._plain.get(name, ())
        yield from (entry for names, entry in self._other if _matches(names, name))

    def _add(self, line: str, file: str, number: int) -> None:
        words = line.split()
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        # Certificate authorities are of no use: paramiko asks for plain keys only.
        if len(words) < 3 or words[0].startswith("#") or marker == "@cert-authority":
            return
        entry = KnownKey(words[1], words[2], file, number, marker == "@revoked")
        if re.search(r"[|*?!]", words[0]):
            self._other.append((words[0].lower(), entry))
            if words[0].startswith("|"):
                self._other[-1] = (words[0], entry)
            return
        for name in words[0].lower().split(","):
            self._plain.setdefault(name, []).append(entry)


@functools.lru_cache(maxsize=256)
def _parse(path: Path, stamp: tuple[int, ...] | None) -> KnownHosts:
    return KnownHosts(path)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _matches(names: str, name: str) -> bool:
    if names.startswith("|"):
        return _hash_matches(names, name)
    patterns = names.split(",")
    # Brackets are part of `[name]:port`, not a set of characters.
    plain = [pattern.replace("[", "[[]") for pattern in patterns]
    if any(p[0] == "!" and fnmatch.fnmatchcase(name, p[1:]) for p in plain if p):
        return False
    return any(fnmatch.fnmatchcase(name, p) for p in plain if p and p[0] != "!")


def _hash_matches(hashed: str, name: str) -> bool:
    try:
        _, version, salt, digest = hashed.split("|")
        raw, wanted = base64.b64decode(salt), base64.b64decode(digest)
    except (ValueError, binascii.Error):
        return False
    made = hmac.new(raw, name.encode(), hashlib.sha1).digest()
    return version == "1" and hmac.compare_digest(made, wanted)


def _find(files: Sequence[KnownHosts], name: str) -> list[KnownKey]:
    return [entry for file in files for entry in file.find(name)]


def _revoked_keys(path: Path) -> set[str]:
    """Return the keys in *path*; as for ssh, no host is fine when it cannot be read."""
    hint = "correct RevokedHostKeys in ssh_config; it lists public keys, one a line"
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise HostKeyError(
            f"revoked keys cannot be read: {path}: {reason}", hint=hint
        ) from error
    if content.startswith(KRL):
        raise HostKeyError(f"{path} is a binary list of revoked keys", hint=hint)
    words = [line.split() for line in content.decode("utf-8", "replace").splitlines()]
    return {word for line in words for word in line if word.startswith("AAAA")}


def _valid(entries: Sequence[KnownKey]) -> list[KnownKey]:
    return [entry for entry in entries if not entry.revoked]


class HostKeyPolicy:
    """The check of a host's key, before anything secret is sent.

    Args:
        address: the name or address connected to.
        port: the port connected to.
        pin: the key from the inventory, `TYPE BASE64`.
        files: the inventory's known_hosts files; the first is where to add keys.
        others: the user's and the system's known_hosts files.
        revoked: a file of keys that no host may have.
        accept: the command that shows an unknown key and accepts it; "" = there is
            none, and the error has a command that adds the line to the file.
        jump: true for a jump host.

    Raises:
        InventoryError: *pin* is not a key.
        HostKeyError: *revoked* cannot be read.
    """

    def __init__(
        self,
        address: str,
        port: int = SSH_PORT,
        *,
        pin: str | None = None,
        files: Sequence[Path] = (),
        others: Sequence[Path] = (),
        revoked: Path | None = None,
        accept: str = "",
        jump: bool = False,
    ) -> None:
        bare = address.lower()
        self._name = bare if port == SSH_PORT else f"[{bare}]:{port}"
        inventory_files = [KnownHosts.of(file) for file in files]
        other_files = [KnownHosts.of(file) for file in others]
        in_inventory = _find(inventory_files, self._name)
        in_others = _find(other_files, self._name)
        # Like ssh: a key known for the name without its port will do, but a
        # different one there proves nothing about this port.
        without_port = _find([*inventory_files, *other_files], bare)
        found = (*in_inventory, *in_others, *without_port)
        self._revoked = {key.text for key in found if key.revoked}
        self._revoked |= _revoked_keys(revoked) if revoked else set()
        pinned = [_pin(pin)] if pin else []
        self._known = pinned or _valid(in_inventory) or _valid(in_others)
        self._known_without_port = [] if self._known else _valid(without_port)
        self._file = (*files, *others, Path("~/.ssh/known_hosts"))[0]
        self._accept = accept
        self._jump = jump

    @property
    def kinds(self) -> tuple[str, ...]:
        """The key types to ask the host for first."""
        entries = [*self._known, *self._known_without_port]
        return tuple(dict.fromkeys(entry.kind for entry in entries))

    def check(self, kind: str, key: bytes) -> None:
        """Check the *key* that the host showed.

        Raises:
            HostKeyError: it is unknown, revoked, or differs from the known one.
        """
        text = base64.b64encode(key).decode()
        if text in self._revoked:
            raise self._refuse_revoked(kind, key)
        if text in {e.text for e in (*self._known, *self._known_without_port)}:
            return
        raise self._refuse(kind, key, text)

    def _refuse_revoked(self, kind: str, key: bytes) -> HostKeyError:
        return HostKeyError(
            f"the host key of {self._name} is revoked: {kind} {fingerprint(key)}",
            hint="do not connect; give the host a new key",
        )

    def _refuse(self, kind: str, key: bytes, text: str) -> HostKeyError:
        if not self._known:
            shown, accept = f"{kind} {text}", self._accept or self._add(kind, text)
            hint = f"compare it with the host's own, then accept it: {accept}"
            about = (self._name, shown, fingerprint(key), self._file)
            return UnknownHostKeyError(*about, jump=self._jump, hint=hint)
        old = self._known[0]
        return HostKeyError(
            f"the host key of {self._name} has changed: it is {kind} "
            f"{fingerprint(key)}, but {old.where} has {old.kind} {old.fingerprint}",
            hint="somebody may be intercepting the connection; "
            f"only if the host was set up anew, {self._replace(old, kind, text)}",
        )

    def _add(self, kind: str, text: str) -> str:
        line = quote(f"{self._name} {kind} {text}")
        return f"echo {line} >> {_shell_path(self._file)}"

    def _replace(self, old: KnownKey, kind: str, text: str) -> str:
        if not old.line:
            return f"set host_key: {kind} {text}"
        forget = f"ssh-keygen -R {quote(self._name)} -f {_shell_path(Path(old.file))}"
        then = self._accept or self._add(kind, text)
        return f"forget the old key: {forget}, then accept the new one: {then}"


def fingerprint(key: bytes) -> str:
    """Return the fingerprint of a key as `ssh-keygen -l` shows it."""
    digest = base64.b64encode(hashlib.sha256(key).digest()).decode()
    return f"SHA256:{digest.rstrip('=')}"


def _shell_path(path: Path) -> str:
    text = str(path)
    return text if re.fullmatch(r"~?[\w./-]+", text) else quote(text)


def _pin(text: str) -> KnownKey:
    kind, _, key = text.strip().partition(" ")
    words = key.split()
    try:
        base64.b64decode(words[0], validate=True)
    except (IndexError, binascii.Error) as error:
        raise InventoryError(
            f"host_key is not a host key: {text!r}",
            hint='write it as "ssh-ed25519 AAAA...", as in /etc/ssh/*.pub',
        ) from error
    return KnownKey(kind, words[0], "host_key in the inventory")
