"""JSON as Ansible writes it: values that are encrypted, or that are no templates."""

from __future__ import annotations

import json
from typing import Any

from pydantic import SecretStr

from provision.errors import SecretError
from provision.secrets.credentials import Credentials

NOT_JSON = object()
"""Stands for the data of a text that is no JSON."""


class Unsafe(str):
    """Text that is no template, whatever is in it: `!unsafe`."""

    __slots__ = ()


def from_json(text: str, credentials: Credentials) -> Any:
    """Return the data in *text*; NOT_JSON: it is no object or list of JSON.

    `__ansible_unsafe` and `__ansible_vault` are Ansible's tags in JSON; *credentials*
    decrypt the latter.

    Raises:
        SecretError: a value cannot be decrypted.
    """
    if text.lstrip()[:1] not in ("{", "["):
        return NOT_JSON

    def tagged(data: dict[str, Any]) -> Any:
        if isinstance(inner := data.get("__ansible_unsafe"), str):
            return Unsafe(inner)
        if isinstance(inner := data.get("__ansible_vault"), str):
            return credentials.decrypt(inner)
        return data

    try:
        return json.loads(text, object_hook=tagged)
    except SecretError:
        raise
    except (ValueError, RecursionError):
        return NOT_JSON


def hidden(data: Any) -> Any:
    """Return *data* with all text in it as secrets."""
    if isinstance(data, dict):
        return {key: hidden(value) for key, value in data.items()}
    if isinstance(data, list):
        return [hidden(value) for value in data]
    return SecretStr(data) if isinstance(data, str) else data
