"""The script of a batch: changes of several steps, each behind a guard on the host.

    change 1, proof 1, guard 2, change 2, proof 2, ..., change n, then all probes

A proof probes a step and finds out on the host that nothing differs any more; a step that
needs time to settle is waited for before. A guard probes a step and goes on only if it is
still as its change was planned from. Where a change fails, or a proof or a guard does, the
rest is passed over, and the probes at the end tell what there is: as far as the next step
to be changed, and of all steps if that one is otherwise than it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial

from provision.engine.host.scripts.proof_script import (
    FUNCTIONS,
    SHOW,
    Wait,
    as_seen,
    probing,
    proof,
)
from provision.model.framing import Task, frame, marked, packed, script_of
from provision.model.shell import Reply, Sh
from provision.model.step import Settled

STOP = """[ "$s" = 0 ] || break"""
THE_REST = """break
done
while [ "$batch_at" -lt {count} ]; do
{mark}
batch_at=$((batch_at + 1))
done"""
COUNT = "batch_at=$((batch_at + 1))"
SEEN_EXIT = '"${batch_seen##*=}"'
"""The exit code of the last probe."""


class Kind(Enum):
    """The kinds of fragments in a part, in the order in which they run."""

    GUARDS = "guards"
    """Exit 0 if all is as it was planned from; prints the number of the guard that failed."""
    NOTE = "note"
    CHANGE = "change"
    LOOK = "look"
    """The probe right before a wait."""
    PROOF = "proof"
    """The probe after the change; exit 0 if nothing differs."""
    WAIT = "wait"
    """No reply: the probes at the end tell how it ended."""


@dataclass(frozen=True, slots=True)
class Guard:
    """A probe, and what it must print for its step to be as planned from.

    Attributes:
        probe: the probe.
        like: the reply that it gave; or the output that was foreseen.
    """

    probe: Sh
    like: Reply | Settled

    @property
    def code(self) -> str:
        """Code that sets s=0 if it is so."""
        if isinstance(self.like, Settled):
            check = proof(self.like)
        else:
            check = f'[ "$batch_seen" != {as_seen(self.like)} ] || s=0'
        return f"{probing(self.probe)}\nbatch_probe\ns=1\n{check}"


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a part that replies; `code` returns it, with the mark at its end."""

    kind: Kind
    code: Callable[[str], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Part:
    """One step of a batch.

    Attributes:
        guards: of the steps since the part before, and of its own step; none for the
            first part, which was probed a moment ago.
        notes: run before the change; how they end does not matter.
        change: makes the change; None: it is only waited for.
        probe: probes the step.
        settled: tells whether nothing differs any more; None for the last part, whose
            reply the controller reads.
        wait: how long the host waits for that; None: it does not.
    """

    guards: tuple[Guard, ...]
    notes: tuple[Sh, ...]
    change: Sh | None
    probe: Sh
    settled: Settled | None = None
    wait: Wait | None = None

    @property
    def fragments(self) -> tuple[Fragment, ...]:
        """All that reply, in order."""
        return tuple(self._fragments())

    def _fragments(self) -> Iterator[Fragment]:
        if self.guards:
            yield Fragment(Kind.GUARDS, self._compare)
        for note in self.notes:
            yield Fragment(Kind.NOTE, partial(_run, note))
        if self.change:
            yield Fragment(Kind.CHANGE, partial(_run_or_stop, self.change))
        if self.wait:
            yield Fragment(Kind.LOOK, self._look)
        if self.settled is not None:
            yield Fragment(Kind.PROOF, self._prove)
        elif self.wait:
            yield Fragment(Kind.WAIT, self._wait)

    def _compare(self, mark: str) -> Iterator[str]:
        yield "s=0"
        for number, guard in enumerate(self.guards):
            failed = f"printf {number}"
            yield f'[ "$s" != 0 ] || {{\n{guard.code}\n[ "$s" = 0 ] || {failed}\n}}'
        yield from [marked(mark), COUNT, STOP]

    def _look(self, mark: str) -> Iterator[str]:
        yield from [probing(self.probe), "batch_probe", SHOW]
        yield from [marked(mark, SEEN_EXIT), COUNT]

    def _prove(self, mark: str) -> Iterator[str]:
        if self.wait:
            yield self.wait.code(self.settled)
        elif self.settled is not None:
            yield from [probing(self.probe), "batch_probe", "s=1", proof(self.settled)]
        yield from [SHOW, marked(mark), COUNT, STOP]

    def _wait(self, mark: str) -> Iterator[str]:
        if self.wait:
            yield self.wait.code(None)
        yield from [marked(mark), COUNT]


def _run(sh: Sh, mark: str) -> list[str]:
    return [frame(Task(sh, strict=True), mark), COUNT]


def _run_or_stop(sh: Sh, mark: str) -> list[str]:
    return [*_run(sh, mark), STOP]


@dataclass(frozen=True, slots=True)
class Rest:
    """Probes at the end that are only run if something is not as it was.

    Attributes:
        unless: what has to be as it was; None: they are run whatever is.
        probes: all of them.
    """

    unless: Guard | None = None
    probes: Sequence[Sh] = ()

    def code(self, mark: str) -> Iterator[str]:
        """Yield the code that runs them or passes them over."""
        frames = [frame(Task(probe), mark) for probe in self.probes]
        if self.unless is None or not frames:
            yield from frames
            return
        yield from [self.unless.code, 'if [ "$s" = 0 ]; then']
        yield from [marked(mark, "-")] * len(frames)
        yield from ["else", *frames, "fi"]


def encode_batch(
    parts: Sequence[Part], probes: Sequence[Sh], mark: str, rest: Rest = Rest()
) -> str:
    """Return the script that does *parts* in turn, and then *probes* and *rest*.

    The reply to a proof has the output of the probe, and exit 0 if nothing differs; that
    to guards has exit 0 if all are as they were. What is passed over has no exit code.
    """
    fragments = [fragment for part in parts for fragment in part.fragments]
    lines = [FUNCTIONS, "batch_at=0", "while :; do"]
    for fragment in fragments:
        lines += fragment.code(mark)
    lines.append(THE_REST.format(count=len(fragments), mark=marked(mark, "-")))
    frames = [frame(Task(probe), mark) for probe in probes]
    return script_of([*lines, *packed([*frames, *rest.code(mark)])])
