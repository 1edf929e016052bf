"""The contract of a step: the desired state of one thing on one host.

A step never contacts a host. It returns shell text that probes the thing, the state that
the probe should observe, and shell text that changes it; the plan is the difference
between the observed and the desired state.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict, Field

from provision.errors import ProbeError
from provision.model.change import Change, State, diff
from provision.model.fields import Parameters, Seconds
from provision.model.shell import Reply, Sh

PARAMETER = re.compile(r"\{(\w+)\}")
Thing = str
"""Name of something on a host that steps write and read: `path:/etc/hosts`, say."""


@dataclass(frozen=True, slots=True)
class TextChange:
    """A text on a host that is replaced by another, for a diff.

    Attributes:
        before: shell that prints the text that is there; None = there is none.
        after: the text that comes.
        hidden: why neither is shown; "" = both may be.
    """

    before: Sh | None = None
    after: str = ""
    hidden: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """Files from here that a change needs on its host, all sent in one script.

    Attributes:
        folder: where they come to on the host; it is made.
        files: their paths here, by the names that they get there.
    """

    folder: str
    files: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class Settled:
    """The output of a probe once nothing differs any more, as its host can tell.

    Attributes:
        lines: those that it prints, in parts between which anything may stand.
        alone: it prints nothing at all.
        only: it prints no other lines.
        never: texts that it does not have; a line begins with a line break.
    """

    lines: tuple[tuple[str, ...], ...] = ()
    alone: bool = False
    only: bool = False
    never: tuple[str, ...] = ()


def parse_lines(text: str) -> dict[str, str]:
    """Return `key=value` lines as a mapping; other lines are an error.

    Raises:
        ProbeError: a line has no `=`.
    """
    state = {}
    for line in filter(None, text.splitlines()):
        key, equals, value = line.partition("=")
        if not equals:
            raise ProbeError(f"probe printed a line without '=': {line!r}")
        state[key] = value
    return state


def lines_of(state: State) -> tuple[tuple[str, ...], ...]:
    """Return *state* as the lines of `Settled`."""
    return tuple((f"{key}={value}",) for key, value in state.items())


class Step(Parameters):
    """One thing on one host: its parameters and the four methods of the contract.

    Subclasses name their kind: `class Directory(Step, kind="directory")`.
    """

    model_config = ConfigDict(defer_build=True)

    kind: ClassVar[str] = ""
    carries_run: ClassVar[bool] = False
    """True if what the step makes is labelled with the id of the run that made it."""
    checks_only: ClassVar[bool] = False
    """True if the step changes nothing, and waits until what it describes is so."""
    agrees: ClassVar[bool] = False
    """True if all steps of the kind that describe the same thing want the same of it."""
    undoes_run: ClassVar[bool] = False
    """True if the step takes back what another run has made."""

    title_format: ClassVar[str] = "{kind}"
    """The title, with the kind and parameters as `{name}`."""
    advice_table: ClassVar[Mapping[tuple[str, ...], str]] = {}
    """Advice by words in the output of a failed change; the first that occur count."""

    timeout_s: Seconds = 300
    """Longest time a change and the probe after it may take before they are killed."""
    settle_s: float = Field(default=0, ge=0)
    """Longest time to wait after a change until nothing differs."""

    def __init_subclass__(cls, kind: str = "", **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)  # type: ignore[arg-type]
        cls.kind = kind or cls.kind

    @property
    def title(self) -> str:
        """A short name for a person: the kind and what it is about. MAY be overridden."""
        return PARAMETER.sub(
            lambda name: _as_words(getattr(self, name[1])), self.title_format
        )

    def warnings(self) -> Iterable[str]:
        """Return warnings about the parameters, shown before they are used. MAY."""
        return ()

    @property
    def thing(self) -> Thing:
        """Name of what the step describes. MAY; "" = nothing that another step describes."""
        return ""

    def describes(self) -> Iterable[Thing]:
        """Return all things that the step describes; it may write them. MAY."""
        return (self.thing,) if self.thing else ()

    def reads(self) -> Iterable[Thing]:
        """Return the things that the probe's reply depends on, its own included. MAY."""
        return (self.thing,) if self.thing else ()

    def writes(self, changes: Sequence[Change]) -> Mapping[Thing, State]:
        """Return the things that *changes* alter, with their fields afterwards. MAY.

        No fields: the thing is then absent.
        """
        after = {c.field: c.after for c in changes if c.after is not None}
        return {self.thing: after} if self.thing else {}

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State | None:
        """Return the state that the probe will find once *written* is done. MAY.

        A plan is made from it, so that it lists what follows from earlier steps.

        Args:
            observed: the state as it is now.
            written: what earlier steps write of the things in `reads`, oldest first.

        Returns:
            None if only those steps make it known.
        """
        own = written.get(self.thing)
        if own is None:
            return observed
        return {**observed, **own} if own else {}

    def probe(self) -> Sh:
        """Shell that probes and changes nothing. MUST be overridden.

        It prints `key=value` lines; nothing when the thing is absent, even if its
        tool is missing; it exits non-zero only when it cannot tell.
        """
        raise NotImplementedError

    def observe(self, reply: Reply) -> State:
        """The state in a probe's *reply*. MAY be overridden, such as for JSON.

        Raises:
            ProbeError: the probe could not tell.
        """
        if reply.exit != 0:
            raise ProbeError("cannot tell the state", details=reply.tail())
        return parse_lines(reply.stdout)

    def desired(self) -> State:
        """Return the state the probe should print; keys left out are not managed."""
        raise NotImplementedError

    def plan(self, observed: State) -> list[Change]:
        """The changes from *observed* to desired. MAY be overridden (ranges).

        Raises:
            RefusedError: what was seen must be settled by a person first.
        """
        return diff(observed, self.desired())

    def settled(self) -> Settled | None:
        """Return the output of the probe that leaves nothing to `plan`. MAY.

        With it a host goes on to the next change by itself, without asking the controller.

        Returns:
            None if only `plan` can tell.
        """
        kind = type(self)
        if kind.observe is not Step.observe or kind.plan is not Step.plan:
            return None
        return Settled(lines_of(self.desired()))

    def printed(self, state: State) -> Settled | None:
        """Return the output of the probe from which *state* is observed. MAY.

        With it a host compares what it finds with a state that was foreseen.

        Returns:
            None if that is not known.
        """
        if type(self).observe is not Step.observe or not state:
            return None
        return Settled(lines_of(state), only=True)

    def wait_ends(self) -> tuple[Settled, ...]:
        """Return the outputs of the probe at which a wait may be over. MAY.

        Its host waits for one of them by itself, and the controller then decides: nothing
        differs, it is hopeless, or it is waited for again. None may be left out with which
        nothing differs.

        Returns:
            Nothing where that is not known: then any other output than the last ends a wait.
        """
        settled = self.settled()
        return (settled,) if settled and type(self).hopeless is Step.hopeless else ()

    def remarks(self, observed: State) -> Iterable[str]:
        """Return what a person should know of *observed* that is no difference. MAY."""
        return ()

    def apply(self, changes: Sequence[Change]) -> Sh:
        """Shell that makes *changes*; safe to run twice; runs under `set -eu`."""
        raise NotImplementedError

    def upload(self, changes: Sequence[Change]) -> Upload | None:
        """Return files from here that are sent before `apply`. MAY; None = no files.

        What an earlier attempt has sent is not sent again, so the folder is one for these
        files alone, and `apply` looks that they are right before it uses them.
        """
        return None

    def text_change(
        self, observed: State, changes: Sequence[Change]
    ) -> TextChange | None:
        """Return the text that *changes* replace, for `--diff`. MAY; None = no text."""
        return None

    def hopeless(self, first: State, now: State) -> str:
        """Return why waiting will not mend what still differs. MAY; "" = it may.

        Args:
            first: the state right after the change.
            now: the state after some waiting.
        """
        return ""

    def put_back(self, observed: State, changes: Sequence[Change]) -> Sh | None:
        """Return shell that goes back to what ran before *changes*, which failed. MAY.

        What it prints is shown with the error.

        Args:
            observed: the state before.
            changes: those that were made, or begun.

        Returns:
            None if the step leaves the host as it is.
        """
        return None

    def evidence(self) -> Sh | None:
        """Shell whose output explains a failure, such as the last log lines. MAY."""
        return None

    def advice(self, problem: str) -> str:
        """Return what to do about *problem* (output of a failed change). MAY; "" = none."""
        for words, what in self.advice_table.items():
            if any(word in problem for word in words):
                return what
        return ""


def _as_words(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


class Absence(Step):
    """A step that wants things gone: whatever its probe prints is a difference."""

    agrees: ClassVar[bool] = True

    def desired(self) -> State:
        return {}

    def plan(self, observed: State) -> list[Change]:
        return [Change(key, value, None) for key, value in observed.items()]

    def settled(self) -> Settled | None:
        kind = type(self)
        own = kind.observe is not Step.observe or kind.plan is not Absence.plan
        return None if own else Settled(alone=True)


@dataclass(frozen=True, slots=True)
class BoundStep:
    """A step as one play has it for one host."""

    step: Step
    name: str = ""
    where: str = ""
    tags: frozenset[str] = field(default=frozenset())

    @property
    def label(self) -> str:
        """Name of the step in reports."""
        return self.name or self.step.title
