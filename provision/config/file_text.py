"""Text of files on the controller, also of those that are encrypted as a whole."""

from __future__ import annotations

from pathlib import Path

from provision.errors import InputError, SecretError
from provision.secrets.credentials import Credentials
from provision.secrets.vault import is_encrypted


def read(path: Path, kind: type[InputError]) -> bytes:
    """Return the content of the file *path*.

    Raises:
        InputError: of *kind*: it cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise kind("there is no such file", file=short_name(path)) from None
    except OSError as error:
        problem = f"cannot be read: {error.strerror or error}"
        raise kind(problem, file=short_name(path)) from error


def opened(
    path: Path, content: bytes, kind: type[InputError], credentials: Credentials
) -> tuple[str, bool]:
    """Return the text in *content* of the file *path*, and True if it was encrypted.

    Args:
        path: the file, for errors.
        content: what it holds.
        kind: the class of errors.
        credentials: decrypt it.

    Raises:
        InputError: of *kind*: it is not text.
        SecretError: it is encrypted, and cannot be decrypted.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise kind(
            "cannot be read: it is not text in UTF-8", file=short_name(path), line=line
        ) from error
    if not is_encrypted(text):
        return text, False
    try:
        return credentials.decrypt(text).get_secret_value(), True
    except SecretError as error:
        error.file = short_name(path)
        raise


def short_name(path: Path) -> str:
    """Return *path* as short as the current directory allows; links stay links."""
    absolute = path.parent.resolve() / path.name
    here = Path.cwd()
    return str(
        absolute.relative_to(here) if absolute.is_relative_to(here) else absolute
    )
