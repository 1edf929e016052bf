"""A play and a playbook as data, written in YAML or made in Python, and bound to hosts."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)

from provision.config.inventory import Host
from provision.config.yaml_source import Source, Where, shown
from provision.errors import InputError
from provision.model.step import BoundStep, Step
from provision.secrets.store import hidden

SHARE = re.compile(r"(\d{1,3})%\Z")


@dataclass(frozen=True, slots=True)
class StepEntry:
    """A step as a playbook file has it: parameters may hold templates."""

    kind: str
    params: Mapping[str, Any]
    source: Source = field(repr=False)
    where: Where
    name: str = ""
    tags: frozenset[str] = frozenset()


def _words(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def batch(value: object) -> int | str:
    """*value*, if it is a size of batches.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    share = SHARE.match(str(value))
    if share and 1 <= int(share[1]) <= 100:
        return str(value)
    raise ValueError(
        f"must be a number of hosts or a share such as 25%, not {shown(value)}"
    )


def batch_of(size: int | str, hosts: int) -> int:
    """Return the number of hosts in a batch of *size* out of *hosts*; 0 = all at once."""
    if isinstance(size, int):
        return size
    return max(1, math.floor(hosts * int(size[:-1]) / 100))


def _batch(value: int | str) -> int | str:
    return value if isinstance(value, str) and "{{" in value else batch(value)


TEXT = {"type": "string"}
Words = Annotated[
    tuple[str, ...],
    BeforeValidator(_words),
    WithJsonSchema({"anyOf": [TEXT, {"type": "array", "items": TEXT}]}),
]
Steps = Annotated[
    tuple[StepEntry | Step, ...],
    WithJsonSchema({"type": "array"}),
]


class StepKeys(BaseModel):
    """Keys of a step beside its kind: its name in reports, and its tags."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    name: str = ""
    tags: Words = ()


class Play(BaseModel):
    """Steps for the hosts that a pattern chooses.

    Attributes:
        play: its name.
        hosts: the pattern, as `servers:clients` or `servers:!node3`.
        enabled: whether there is anything to do here; a variable as `"{{ metrics }}"`
            may say it, for each host, but nothing that is only known on the host. What
            an earlier deploy did is not undone.
        become: run the steps as root.
        after: plays that must have ended well on all their hosts before this one.
        lane: a host's plays of one lane run in file order, and beside those of its other
            lanes. They must not be about the same things.
        batch: how many hosts at a time may be changed, or which share (`25%`); 0 = all.
            Where nothing differs, nothing waits. A variable may say it, one for all.
        vars: variables that inventory and command line may override.
        tags: chosen by `--tags`, with those of the steps.
        steps: what to do, in order.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        coerce_numbers_to_str=True,
    )

    play: str = Field(min_length=1)
    hosts: str
    steps: Steps
    enabled: bool | str = True
    become: bool = False
    after: Words = ()
    lane: str = ""
    batch: Annotated[int | str, AfterValidator(_batch)] = 0
    vars: Mapping[str, Any] = {}
    tags: Words = ()


@dataclass(frozen=True, slots=True)
class Playbook:
    """Plays in the order they run.

    Attributes:
        plays: see `Play`.
        sources: where each play is written, by its number.
        folder: where the file is; variables that playbooks beside it use may be set
            as well.
        groups: how many hosts each group it needs must have; see `group_rules`. A host
            is in at most one of them.
        problems: what is wrong with it; it cannot be bound then.
    """

    plays: tuple[Play, ...]
    sources: tuple[tuple[Source, Where], ...] = ()
    folder: Path | None = None
    groups: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[InputError, ...] = ()

    def hidden(self) -> Iterator[str]:
        """The secret values that are written in it, encrypted."""
        for play in self.plays:
            yield from hidden(play.vars)
            for step in play.steps:
                yield from hidden(step.params if isinstance(step, StepEntry) else ())

    def source(self, number: int) -> tuple[Source, Where]:
        """Return the place of play *number* in its file; none if it was made in Python."""
        return self.sources[number] if self.sources else (Source("", None), ())


@dataclass(frozen=True, slots=True)
class BoundPlay:
    """A play with the steps of each of its hosts."""

    name: str
    after: tuple[str, ...]
    batch: int
    steps: Mapping[str, tuple[BoundStep, ...]]
    become: Mapping[str, bool]
    lane: str = ""


@dataclass(frozen=True, slots=True)
class Bound:
    """A playbook on the hosts of an inventory, ready to run.

    Attributes:
        plays: in the order they run.
        hosts: all hosts of the inventory, by name.
        warnings: what is odd and stops nothing.
        secrets: values that nothing may print.
        groups: the groups that the playbook names in its key `groups`, in order.
    """

    plays: tuple[BoundPlay, ...]
    hosts: Mapping[str, Host]
    warnings: tuple[str, ...] = ()
    secrets: Collection[str] = field(default=(), repr=False)
    groups: tuple[str, ...] = ()
