"""Types of step parameters that validate: what is not sensible never reaches a host.

Where text is wanted, a number of a YAML file is what was written there: `0123` and not 83.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)


class Written:
    """A number that is, as text, what was written: `0123` and not 83."""

    text: str

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


class WrittenInt(Written, int):
    """A whole number as written."""

    def __new__(cls, value: int, text: str) -> Self:
        made = super().__new__(cls, value)
        made.text = text
        return made

    def __reduce__(self) -> tuple[type[Self], tuple[int, str]]:
        return type(self), (int(self), self.text)


class WrittenFloat(Written, float):
    """A number with a fraction as written: `1.10` and not 1.1."""

    def __new__(cls, value: float, text: str) -> Self:
        made = super().__new__(cls, value)
        made.text = text
        return made

    def __reduce__(self) -> tuple[type[Self], tuple[float, str]]:
        return type(self), (float(self), self.text)


class Parameters(BaseModel):
    """Parameters as a playbook gives them, of a step or of a part of one.

    `null` for a parameter is as if it was not given. A number is text where text is
    wanted; a truth value is not, since nobody knows whether `no` was meant as text.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        coerce_numbers_to_str=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _leave_out_null(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        known = cls.model_fields
        return {k: v for k, v in data.items() if v is not None or k not in known}


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
    # A number that was calculated, or made in Python, may be octal or decimal.
    if not isinstance(value, str | WrittenInt):
        raise ValueError(  # noqa: TRY004 (pydantic reports no other)
            'must be quoted octal digits, such as "755"'
        )
    return str(value).lstrip("0") or "0"


Text = Annotated[str, AfterValidator(_text)]
Line = Annotated[str, AfterValidator(_line)]
Word = Annotated[str, Field(pattern=r"\A[A-Za-z0-9_][A-Za-z0-9_.:@+/-]*\z")]
AbsPath = Annotated[str, AfterValidator(_abs_path)]
OwnPath = Annotated[str, AfterValidator(_own_path)]
FileMode = Annotated[str, BeforeValidator(_octal), Field(pattern=r"\A[0-7]{1,4}\z")]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0)]
