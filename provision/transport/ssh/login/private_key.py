"""Private key files: OpenSSH's format, PEM and PKCS8, read by cryptography.

Paramiko reads no PKCS8 ("BEGIN PRIVATE KEY"), and hides a certificate's key.
"""

from __future__ import annotations

import functools
from pathlib import Path

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from provision.transport.ssh.login.public_key import encoded

ENCRYPTED = "needs a passphrase"
"""The reason why an encrypted key cannot be used."""
UNKNOWN = "is not a private key of a known type"

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class PrivateKey:
    """A private key, and the public key that belongs to it as *blob*."""

    def __init__(self, key: Key) -> None:
        self._key = key
        self.blob = encoded(key.public_key())

    def sign(self, data: bytes, algorithm: str) -> bytes:
        """Return the signature of *data* as SSH sends it."""
        message = paramiko.Message()
        message.add_string(algorithm)
        message.add_string(self._signature(data, algorithm))
        return message.asbytes()

    def _signature(self, data: bytes, algorithm: str) -> bytes:
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(data)
        if isinstance(self._key, rsa.RSAPrivateKey):
            digest = hashes.SHA512() if "512" in algorithm else hashes.SHA256()
            return self._key.sign(data, padding.PKCS1v15(), digest)
        return _ecdsa_signature(self._key, data)


def _ecdsa_signature(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    digests = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}
    signature = key.sign(data, ec.ECDSA(digests[key.curve.key_size]))
    message = paramiko.Message()
    for number in decode_dss_signature(signature):
        message.add_mpint(number)
    return message.asbytes()


def load_private_key(path: Path) -> PrivateKey | str:
    """Return the key in *path*, or the reason why not; read again when changed."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return "does not exist"
    except OSError as error:
        return error.strerror or str(error)
    return _load(path, (stat.st_mtime_ns, stat.st_size, stat.st_ino))


@functools.lru_cache(maxsize=256)
def _load(path: Path, stamp: tuple[int, ...]) -> PrivateKey | str:
    try:
        data = path.read_bytes()
    except OSError as error:
        return error.strerror or str(error)
    if data.startswith(b"PuTTY-User-Key-File"):
        return f"is a key of PuTTY; convert it: puttygen {path} -O private-openssh-new"
    try:
        key = _parse(data)
    except TypeError:
        # cryptography's word for a missing passphrase.
        return ENCRYPTED
    except (ValueError, UnsupportedAlgorithm):
        return UNKNOWN
    return PrivateKey(key) if isinstance(key, Key) else UNKNOWN


def _parse(data: bytes) -> object:
    if b"BEGIN OPENSSH PRIVATE KEY" in data:
        return serialization.load_ssh_private_key(data, password=None)
    return serialization.load_pem_private_key(data, password=None)
