"""Types of step parameters that validate: what is not sensible never reaches a host."""

from __future__ import annotations

import posixpath
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field


def _text(value: str) -> str:
    if "\0" in value:
        raise ValueError("must not contain a NUL character")
    return value


def _line(value: str) -> str:
    if "\n" in _text(value):
        raise ValueError("must be one line")
    return value


def _abs_path(value: str) -> str:
    if not _line(value).startswith("/"):
        raise ValueError("must be an absolute path, such as /var/lib/data")
    return normal(value)


def normal(path: str) -> str:
    """*path* without `..`, doubled and trailing slashes, at its begin as well."""
    return "/" + posixpath.normpath(path).lstrip("/")


def _own_path(value: str) -> str:
    """Refuse a path whose removal would take the system with it."""
    path = _abs_path(value)
    if path.count("/") < 2:
        raise ValueError("must lie at least two levels deep, such as /opt/data")
    return path


def _octal(value: object) -> object:
    # YAML reads 0755 as an octal number and 755 as a decimal one: only text is clear.
    if isinstance(value, bool) or not isinstance(value, str):
        raise ValueError(  # noqa: TRY004 (pydantic reports no other)
            'must be quoted octal digits, such as "755"'
        )
    return value.lstrip("0") or "0"


Text = Annotated[str, AfterValidator(_text)]
Line = Annotated[str, AfterValidator(_line)]
Word = Annotated[str, Field(pattern=r"\A[A-Za-z0-9_][A-Za-z0-9_.:@+/-]*\z")]
AbsPath = Annotated[str, AfterValidator(_abs_path)]
OwnPath = Annotated[str, AfterValidator(_own_path)]
FileMode = Annotated[str, BeforeValidator(_octal), Field(pattern=r"\A[0-7]{1,4}\z")]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0)]
