"""Values and files encrypted by ansible-vault: read, and written for who has no Ansible.

Format 1.1 and 1.2, of which the label is not looked at. `credentials` has the password.

Source: Ansible documentation, "Ansible Vault payload format 1.1 - 1.2".
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import secrets

from provision.errors import SecretError

HEAD = "$ANSIBLE_VAULT;"
CIPHER = "AES256"
VERSIONS = ("1.1", "1.2")
ROUNDS = 10_000
BLOCK_BYTES = 16
KEY_BYTES = 32
LINE = 80


def is_encrypted(text: str) -> bool:
    """Return True if *text* is in the format of ansible-vault."""
    return text.lstrip().startswith(HEAD)


def decrypt(text: str, password: bytes) -> str:
    """Return the value that is encrypted in *text*.

    Raises:
        SecretError: *password* is not the right one, or *text* is damaged.
    """
    salt, digest, data = _parts(text)
    key, encrypt, start = _keys(password, salt)
    if not hmac.compare_digest(hmac.digest(encrypt, data, "sha256"), digest):
        raise SecretError(
            "cannot be decrypted: the vault password is another one, or it is damaged",
            hint="see that the file of the vault password, or what you typed, is right",
        )
    try:
        return _unpadded(_crypt(key, start, data)).decode("utf-8")
    except UnicodeDecodeError as error:
        raise SecretError("what was encrypted is not text in UTF-8") from error


def encrypt(value: str, password: bytes) -> str:
    """Return *value* encrypted, as ansible-vault reads it."""
    salt = secrets.token_bytes(KEY_BYTES)
    key, encrypt, start = _keys(password, salt)
    data = _crypt(key, start, _padded(value.encode()))
    parts = (salt, hmac.digest(encrypt, data, "sha256"), data)
    text = b"\n".join(map(binascii.hexlify, parts)).hex()
    lines = [text[at : at + LINE] for at in range(0, len(text), LINE)]
    return "\n".join([f"{HEAD}1.1;{CIPHER}", *lines, ""])


def _parts(text: str) -> tuple[bytes, bytes, bytes]:
    """Salt, digest and encrypted data."""
    head, _, body = text.strip().partition("\n")
    version, cipher = (*head.removeprefix(HEAD).strip().split(";"), "", "")[:2]
    if version not in VERSIONS or cipher != CIPHER:
        known = " and ".join(VERSIONS)
        raise SecretError(
            f"is encrypted as {head.strip()!r}, which is not known",
            hint=f"{HEAD}VERSION;{CIPHER} is, for version {known}",
        )
    try:
        salt, digest, data = binascii.unhexlify("".join(body.split())).split(b"\n")
        return (
            binascii.unhexlify(salt),
            binascii.unhexlify(digest),
            binascii.unhexlify(data),
        )
    except (binascii.Error, ValueError) as error:
        raise SecretError(
            "is damaged: it is not what ansible-vault writes",
            hint="copy it again, every line of it",
        ) from error


def _keys(password: bytes, salt: bytes) -> tuple[bytes, bytes, bytes]:
    """The key, the one for the digest, and where counting starts."""
    length = 2 * KEY_BYTES + BLOCK_BYTES
    made = hashlib.pbkdf2_hmac("sha256", password, salt, ROUNDS, length)
    return made[:KEY_BYTES], made[KEY_BYTES : 2 * KEY_BYTES], made[2 * KEY_BYTES :]


def _crypt(key: bytes, start: bytes, data: bytes) -> bytes:
    """AES in counter mode, which is its own reverse."""
    # Slow to import, and needed only where something is encrypted.
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    worker = Cipher(algorithms.AES(key), modes.CTR(start)).encryptor()
    return worker.update(data) + worker.finalize()


def _padded(data: bytes) -> bytes:
    from cryptography.hazmat.primitives.padding import PKCS7

    padder = PKCS7(BLOCK_BYTES * 8).padder()
    return padder.update(data) + padder.finalize()


def _unpadded(data: bytes) -> bytes:
    from cryptography.hazmat.primitives.padding import PKCS7

    unpadder = PKCS7(BLOCK_BYTES * 8).unpadder()
    try:
        return unpadder.update(data) + unpadder.finalize()
    except ValueError as error:
        raise SecretError(
            "is damaged: its padding is wrong", hint="copy it again, every line of it"
        ) from error
