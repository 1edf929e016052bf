"""Merges the probes of many steps into few fragments: each question is asked once.

A host spends most of the time of a probe on starting programs. So mergeable probes with
the same text become one that asks about everything, and equal ones run once.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

from provision.model.shell import Sh


@dataclass(frozen=True, slots=True)
class MergedProbes:
    """The fragments that answer a list of probes.

    Attributes:
        fragments: what to run.
        answers: for each probe, the number of the fragment that answers it.
    """

    fragments: tuple[Sh, ...]
    answers: tuple[int, ...]


def merge_probes(
    probes: Sequence[Sh], apart: Container[str] = (), alone: Container[int] = ()
) -> MergedProbes:
    """Merge *probes*.

    Args:
        probes: all of them.
        apart: texts of those that are not merged.
        alone: numbers of those that are not.
    """
    numbers: dict[object, int] = {}
    subjects: list[dict[str, None]] = []
    fragments: list[Sh] = []
    answers = []
    for place, probe in enumerate(probes):
        merges = place not in alone and probe.text not in apart
        number = numbers.setdefault(_key(probe, merges=merges), len(fragments))
        if number == len(fragments):
            fragments.append(probe)
            subjects.append({})
        subjects[number].update(dict.fromkeys(probe.args))
        answers.append(number)
    merged = [
        replace(sh, args=tuple(args)) if sh.mergeable else sh
        for sh, args in zip(fragments, subjects, strict=True)
    ]
    return MergedProbes(tuple(merged), tuple(answers))


def _key(probe: Sh, *, merges: bool) -> object:
    """A key that is equal for probes that become one."""
    same = (probe.text, tuple(probe.params.items()))
    return same if probe.mergeable and merges else (*same, probe.args)
