"""One file of an inventory: its format, found out as Ansible does it, and its entries."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Collection
from pathlib import Path

from provision.config.file_text import opened, read, short_name
from provision.config.inventory.entries import Entries
from provision.config.inventory.formats import yaml_file
from provision.config.inventory.formats.executable import Executable
from provision.config.inventory.formats.ini_file import COMMENT, HEADER, IniFile
from provision.config.inventory.formats.program_output import ProgramOutput
from provision.config.yaml_source import Source, parse
from provision.errors import InputError, InventoryError
from provision.secrets.credentials import Credentials

YAML_ENDINGS = ("", ".yml", ".yaml", ".json")
"""Endings of files that may be YAML; all others are INI, and these if they are no YAML."""
PROGRAM = (b"#!", b"\x7fELF")
KEY = re.compile(r"---|%YAML|[{-]|[^\[\s=]+\s*:(\s|\Z)")
"""The beginning of a line that belongs to YAML, not to INI."""


def entries(path: Path, known: Collection[str], credentials: Credentials) -> Entries:
    """Yield the entries of the inventory file *path*.

    Args:
        path: the file.
        known: the groups of the files before it.
        credentials: decrypt what is encrypted.

    Raises:
        InputError: it cannot be read.
    """
    if path.suffix == ".toml":
        hint = "`ansible-inventory -i FILE --list --yaml` writes it as YAML"
        problem = "inventories in TOML are not read"
        raise InventoryError(problem, file=short_name(path), hint=hint)
    content = read(path, InventoryError)
    if content.startswith(PROGRAM):
        yield from _printed(path, credentials)
    else:
        yield from _written(path, content, known, credentials)


def _printed(path: Path, credentials: Credentials) -> Entries:
    if not os.access(path, os.X_OK):
        hint = f"`chmod +x {short_name(path)}` if it prints an inventory"
        problem = "is a program, and not executable"
        raise InventoryError(problem, file=short_name(path), hint=hint)
    program = Executable(path)
    yield from ProgramOutput(program.file, program.output, credentials).entries()


def _written(
    path: Path, content: bytes, known: Collection[str], credentials: Credentials
) -> Entries:
    text, secret = opened(
        path, _without_odd_comments(content), InventoryError, credentials
    )
    if path.suffix in YAML_ENDINGS:
        parsed = functools.partial(
            parse,
            file=short_name(path),
            secret=secret,
            credentials=credentials,
            typed_keys=True,
        )
        if source := _yaml(text, parsed):
            yield from yaml_file.entries(source)
            return
    yield from IniFile(text, short_name(path), known, secret).entries()


def _yaml(text: str, parsed: Callable[..., Source]) -> Source | None:
    """Return *text* read as YAML; None: it is INI."""
    is_yaml = KEY.match(_first_line(text))
    try:
        source = parsed(text, InventoryError)
    except InputError:
        if is_yaml:
            raise
        return None
    is_word = not isinstance(source.data, dict | list | None)
    is_header = HEADER.match(_first_line(text)) and not is_yaml
    return None if is_word or is_header else source


def _first_line(text: str) -> str:
    lines = (line.strip() for line in text.lstrip("\ufeff").splitlines())
    return next((line for line in lines if line and not line.startswith(COMMENT)), "")


def _without_odd_comments(content: bytes) -> bytes:
    """*content* without comments that are no UTF-8, which may be in an INI file."""
    if _is_utf8(content):
        return content
    marks = tuple(mark.encode() for mark in COMMENT)
    return b"\n".join(
        line if _is_utf8(line) or not line.startswith(marks) else b""
        for line in content.splitlines()
    )


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
