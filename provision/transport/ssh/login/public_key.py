"""Public keys and certificates as SSH writes them, and the files that have them.

A public key is the bytes that SSH sends of it (RFC 4253, section 6.6); its first text is
its type. A certificate is one whose type ends with `-cert-v01@openssh.com`.
"""

from __future__ import annotations

import base64
import binascii
import functools
import re
from pathlib import Path

import paramiko
from cryptography.hazmat.primitives import serialization

CERTIFICATE = "-cert-v01@openssh.com"
"""The end of the type of a certificate."""
CERTIFICATE_FILE = "-cert.pub"
"""The end of the name of the file with the certificate of a key."""
OPENSSH_KEY = re.compile(
    r"-----BEGIN OPENSSH PRIVATE KEY-----\s(.+?)-----END OPENSSH", re.S
)
OPENSSH_MAGIC = b"openssh-key-v1\0"


def key_type(blob: bytes) -> str:
    """Return the type of a public key or certificate, such as `ssh-ed25519`."""
    return paramiko.Message(blob).get_text()


def is_certificate(blob: bytes) -> bool:
    """Tell a certificate from a plain key."""
    return key_type(blob).endswith(CERTIFICATE)


def with_suffix(path: Path, suffix: str) -> Path:
    """Return *path* with *suffix* added to its name."""
    return path.with_name(path.name + suffix)


def read_public_key(path: Path) -> bytes | None:
    """Return the public key of the key file *path*, without its passphrase.

    OpenSSH's format has it in the clear; otherwise `PATH.pub` has it. *path* may
    also be the file with the public key.
    """
    for file in (path, with_suffix(path, ".pub")):
        text = _text(file)
        if blob := _public_line(text) or _public_part(text):
            return blob
    return None


def read_certificate(path: Path) -> bytes | None:
    """Return the certificate in *path*, if it has one."""
    blob = _public_line(_text(path))
    return blob if blob and is_certificate(blob) else None


@functools.lru_cache(maxsize=256)
def certified_key(certificate: bytes) -> bytes | None:
    """Return the public key that *certificate* is for, if its type is known."""
    line = f"{key_type(certificate)} {base64.b64encode(certificate).decode()}"
    try:
        loaded = serialization.load_ssh_public_identity(line.encode())
    except (ValueError, TypeError):
        return None
    if not isinstance(loaded, serialization.SSHCertificate):
        return None
    return encoded(loaded.public_key())


def encoded(key: serialization.SSHCertPublicKeyTypes) -> bytes:
    """Return the bytes that SSH sends of *key*."""
    form = serialization.PublicFormat.OpenSSH
    line = key.public_bytes(serialization.Encoding.OpenSSH, form)
    return base64.b64decode(line.split()[1])


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace")
    except OSError:
        return ""


def _public_line(text: str) -> bytes | None:
    """Return the key of a line `TYPE BASE64 ...`."""
    words = text.split(None, 2)
    if len(words) < 2:
        return None
    try:
        blob = base64.b64decode(words[1], validate=True)
        return blob if key_type(blob) == words[0] else None
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None


def _public_part(text: str) -> bytes | None:
    """Return the public key in a private key of OpenSSH's format."""
    found = OPENSSH_KEY.search(text)
    try:
        data = base64.b64decode(found[1]) if found else b""
    except binascii.Error:
        return None
    if not data.startswith(OPENSSH_MAGIC):
        return None
    message = paramiko.Message(data[len(OPENSSH_MAGIC) :])
    for _ in ("cipher", "derivation of its key", "options of that"):
        message.get_string()
    return message.get_string() if message.get_int() == 1 else None
