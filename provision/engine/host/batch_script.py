"""The script of a batch: changes of several steps, each behind a guard on the host.

    change 1, proof 1, guard 2, change 2, proof 2, ..., change n, then all probes

A proof probes a step and finds out on the host that nothing differs any more. A guard
probes a step and goes on only if it is still as its change was planned from. Where a
change fails, or a proof or a guard does, the rest is passed over, and the probes at the
end tell what there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from provision.model.framing import Task, frame, marked, packed, script_of
from provision.model.shell import Reply, Sh, quote
from provision.model.step import Settled

NEWLINE = "batch_nl='\n'"
PROBE = """batch_seen=$(
(
set -u
{probe}
) </dev/null 2>/dev/null
printf '=%s' "$?"
)"""
STOP = """[ "$s" = 0 ] || break"""
THE_REST = """break
done
while [ "$batch_at" -lt {count} ]; do
{mark}
batch_at=$((batch_at + 1))
done"""
EXIT_0 = """while :; do
[ "${batch_seen##*=}" = 0 ] || break"""
LINE = """case "$batch_nl$batch_seen" in
*"$batch_nl"{line}"$batch_nl"*) ;;
*) break ;;
esac"""
COUNT = "batch_at=$((batch_at + 1))"


@dataclass(frozen=True, slots=True)
class Guard:
    """A probe, and the reply that it must give again."""

    probe: Sh
    reply: Reply


@dataclass(frozen=True, slots=True)
class Part:
    """One step of a batch.

    Attributes:
        guards: of the steps since the part before, and of its own step; none for the
            first part, which was probed a moment ago.
        notes: run before the change; how they end does not matter.
        change: makes the change.
        probe: probes the step.
        settled: tells whether nothing differs any more; None for the last part, whose
            reply the controller reads.
    """

    guards: tuple[Guard, ...]
    notes: tuple[Sh, ...]
    change: Sh
    probe: Sh
    settled: Settled | None = None

    @property
    def fragments(self) -> int:
        """Number of fragments that reply: guards as one, notes, the change, its proof."""
        return bool(self.guards) + len(self.notes) + 1 + (self.settled is not None)


def encode_batch(parts: Sequence[Part], probes: Sequence[Sh], mark: str) -> str:
    """Return the script that does *parts* in turn, and then *probes*.

    The reply to a proof has the output of the probe, and exit 0 if nothing differs; that
    to guards has exit 0 if all are as they were. What is passed over has no exit code.
    """
    count = sum(part.fragments for part in parts)
    lines = [NEWLINE, "batch_at=0", "while :; do"]
    for part in parts:
        lines += _part(part, mark)
    lines.append(THE_REST.format(count=count, mark=marked(mark, "-")))
    frames = [frame(Task(probe), mark) for probe in probes]
    return script_of([*lines, *packed(frames)])


def _part(part: Part, mark: str) -> Iterable[str]:
    end = [marked(mark), COUNT]
    if part.guards:
        yield "s=0"
        for guard in part.guards:
            yield '[ "$s" != 0 ] || {'
            yield PROBE.format(probe=guard.probe.render())
            expected = quote(f"{guard.reply.stdout}={guard.reply.exit}")
            yield f'[ "$batch_seen" = {expected} ] || s=1\n}}'
        yield from [*end, STOP]
    for note in part.notes:
        yield from [frame(Task(note, strict=True), mark), COUNT]
    yield from [frame(Task(part.change, strict=True), mark), COUNT, STOP]
    if part.settled is not None:
        yield PROBE.format(probe=part.probe.render())
        yield "s=1"
        yield proof(part.settled)
        yield """printf '%s' "${batch_seen%=*}\""""
        yield from [*end, STOP]


def proof(settled: Settled) -> str:
    """Return code that sets s=0 if `$batch_seen` is the output of a step that is settled."""
    if settled.alone:
        return """[ "$batch_seen" != '=0' ] || s=0"""
    lines = [_line(parts) for parts in settled.lines]
    return "\n".join([EXIT_0, *lines, "s=0\nbreak\ndone"])


def _line(parts: tuple[str, ...]) -> str:
    line = "*".join(map(quote, parts))
    return LINE.format(line=line)
