"""The parameter that says which GPUs of its host a container gets."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

PATTERN = r"(\d+|(GPU|MIG)-[0-9A-Za-z/-]+)"
ONE = re.compile(PATTERN)
Name = Annotated[str, Field(pattern=rf"\A{PATTERN}\z")]
"""An index or a UUID, as `nvidia-smi -L` shows them."""
AUTO: Literal["auto"] = "auto"


def _wanted(value: object) -> object:
    if value == AUTO or isinstance(value, bool):
        return value
    if not isinstance(value, list | tuple):
        raise ValueError(  # noqa: TRY004 (pydantic reports no other)
            "must be auto, true, false, or a list of indexes or UUIDs as `nvidia-smi -L` "
            "shows them, such as [0, 1]"
        )
    names = tuple(map(str, value))
    wrong = [name for name in names if not ONE.fullmatch(name)]
    if wrong or not names or len(set(names)) < len(names):
        raise ValueError(
            "a list must have indexes or UUIDs as `nvidia-smi -L` shows them, each once, such "
            f"as [0, 1]; there is {wrong[0] if wrong else 'one twice, or none'}"
        )
    return names


WantedGpus = Annotated[
    Literal["auto"] | bool | tuple[Name, ...], BeforeValidator(_wanted)
]
"""`auto`: those that are there; true: the same, and there must be some; false: none; or a
list of their indexes or UUIDs."""
