"""Looks of many steps as few fragments: what is asked twice is asked once.

A host spends most of a look on starting programs. So joint looks with the same text
become one that asks about everything, and what is the same altogether runs once.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

from provision.model.shell import Sh


@dataclass(frozen=True, slots=True)
class Joined:
    """Looks, joined.

    Attributes:
        fragments: what to run.
        answers: for each look, the number of the fragment that answers it.
    """

    fragments: tuple[Sh, ...]
    answers: tuple[int, ...]


def join(looks: Sequence[Sh], apart: Container[str] = ()) -> Joined:
    """Join *looks*, but not those whose text is in *apart*."""
    numbers: dict[object, int] = {}
    things: list[dict[str, None]] = []
    fragments: list[Sh] = []
    answers = []
    for look in looks:
        number = numbers.setdefault(_key(look, apart), len(fragments))
        if number == len(fragments):
            fragments.append(look)
            things.append({})
        things[number].update(dict.fromkeys(look.args))
        answers.append(number)
    joined = [
        replace(sh, args=tuple(args)) if sh.joint else sh
        for sh, args in zip(fragments, things, strict=True)
    ]
    return Joined(tuple(joined), tuple(answers))


def _key(look: Sh, apart: Container[str]) -> object:
    """What looks that become one have in common."""
    same = (look.text, tuple(look.params.items()))
    if look.joint and look.text not in apart:
        return same
    return (*same, look.args)
