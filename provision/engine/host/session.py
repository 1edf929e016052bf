"""One lane of a host, with the last reply to each of its probes.

All probes of all the host's plays go in one script, the first look. The script that makes
changes goes on to probe its lane from the first of them on, as far as something may be
otherwise. So a converged host costs one round trip, and each batch of changes one more.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from provision.engine.host.connection import FirstLook, HostConnection, HostStep
from provision.engine.host.scripts.batch_script import Guard, Part, Rest, encode_batch
from provision.engine.host.scripts.receive import receiving
from provision.errors import ConnectionLost
from provision.model.events import Emit, HostProbed
from provision.model.framing import Reader, Task, new_mark
from provision.model.probe_merging import MergedProbes, merge_probes
from provision.model.shell import Reply, Sh
from provision.model.step import Upload

PROBE_LIMIT_S = 60.0
"""Longest time all probes of a host may take together."""


class ChangeClock:
    """Counts the changes of a run by host and lane; used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all = 0
        self._changes: Counter[tuple[str, str]] = Counter()

    def tick(self, host: str, lane: str = "") -> None:
        """Count one change in *lane* of *host*."""
        with self._lock:
            self._all += 1
            self._changes[host, lane] += 1

    def within(self, host: str, lane: str = "") -> int:
        """Return how many changes there were so far in *lane* of *host*."""
        with self._lock:
            return self._changes[host, lane]

    def elsewhere(self, host: str, lane: str = "") -> int:
        """Return how many changes there were so far, except in *lane* of *host*."""
        with self._lock:
            return self._all - self._changes[host, lane]


@dataclass(frozen=True, slots=True)
class Look:
    """The probes of some steps, as they are sent."""

    steps: tuple[HostStep, ...]
    probes: tuple[Sh, ...]
    merged: MergedProbes


class Session:
    """One lane of a host, and what its probes answered; used by one thread at a time.

    Args:
        connection: the host's.
        lane: the name of the lane.
        clock: counts the changes of the run.
        emit: called with each event.
    """

    def __init__(
        self,
        connection: HostConnection,
        lane: str,
        *,
        clock: ChangeClock,
        emit: Emit,
    ) -> None:
        self._connection = connection
        self._lane = lane
        self._steps = tuple(s for s in connection.steps if s.lane == lane)
        self._clock = clock
        self._emit = emit
        self._replies: dict[int, Reply] = {}
        self._before: dict[int, Reply] = {}
        self._own: set[int] = set()
        self._unmerged: set[str] = set()
        self._probed_at = 0
        self._fresh_from = 0
        self._looked: set[bool] = set()
        self._sent_over = 0
        self._replied_over = 0

    def reopen(self, error: ConnectionLost) -> None:
        """Connect again after *error*; replies from before no longer count.

        Raises:
            ConnectionLost: it was lost too often, or the run was interrupted.
            ConnectError: the host is not back.
        """
        self.forget()
        self._connection.reopen(error, self._sent_over)

    def forget(self) -> None:
        """Drop all replies: the next probe asks the host again."""
        self._replies.clear()
        self._before.clear()
        self._own.clear()

    def forget_outdated(self) -> None:
        """Drop all replies if there were changes elsewhere since they were given."""
        self._fresh_from = self._elsewhere(self._lane)
        if self._probed_at < self._fresh_from:
            self.forget()

    def knows(self, step: HostStep) -> bool:
        """Return True if the last reply to the probe of *step* still holds."""
        if self._replied_over != self._connection.opened:
            self.forget()  # another lane has had to connect again since
        return step.number in self._replies

    def is_forgotten(self, step: HostStep) -> bool:
        """Return True if the host was looked at, and the reply of *step* holds no more."""
        return step.become in self._looked and not self.knows(step)

    def remembers(self, step: HostStep) -> bool:
        """Return True if a reply is known that held before the last batch, or still does."""
        return self.knows(step) or step.number in self._before

    def remembered(self, step: HostStep) -> Reply:
        """Return that reply. What is planned from it must be behind a guard."""
        return self._replies.get(step.number) or self._before[step.number]

    def is_own(self, step: HostStep) -> bool:
        """Return True if the probe of *step* alone gave the reply that is remembered."""
        return step.number in self._own and self.remembered(step).ended

    def probe(self, step: HostStep) -> Reply:
        """Return the reply to the probe of *step*; sent now if none holds."""
        if not self.knows(step) and step.become not in self._looked:
            self._take_first_look(step)
        # Twice where a merged probe failed: the second time each step's own is sent.
        while not self.knows(step):
            self._look(self.ahead(step), step.become)
        return self._replies[step.number]

    def run_batch(
        self,
        step: HostStep,
        parts: Sequence[Part],
        *,
        alone: Collection[int] = (),
        upto: tuple[HostStep, Guard] | None = None,
        limit_s: float,
        overdue: Callable[[], bool],
        on_line: Callable[[int, str], None],
        on_reply: Callable[[int, Reply], None],
    ) -> None:
        """Change or wait for *parts*, and probe the steps from *step* on in the same script.

        Args:
            step: the first that is changed.
            parts: the changes; see `batch_script`.
            alone: numbers of steps that are probed apart, so that replies can be guarded.
            upto: those after it are only probed if the guard fails; None: all are.
            limit_s: of the script, after which the host kills all of it.
            overdue: returns true once it shall end before.
            on_line: called with a fragment's number for each line it prints.
            on_reply: called with a fragment's number once it has ended, or cannot run.
        """
        near, far = self._looks(step, alone, upto[0] if upto else None)
        rest = Rest(upto[1] if upto else None, far.merged.fragments)
        count, mark = sum(len(part.fragments) for part in parts), new_mark()
        later = count + len(near.merged.fragments)
        before, own, told = self._before | self._replies, set(self._own), 0
        self._forget_before_asking()

        def tell(number: int, reply: Reply) -> None:
            nonlocal told
            if number < count:
                told = number + 1
                on_reply(number, reply)

        replies = self._connection.send_script(
            encode_batch(parts, near.merged.fragments, mark, rest),
            Reader(mark, later + len(rest.probes), on_line=on_line, on_reply=tell),
            become=step.become,
            limit_s=limit_s,
            overdue=overdue,
        )
        # A script that was killed before its probes says nothing of them.
        self._keep(near, replies[count:], only_ended=True)
        self._keep(far, replies[later:], only_ended=True)
        self._remember(before, own)
        for number in range(told, count):
            on_reply(number, replies[number])

    def ask(self, step: HostStep, sh: Sh, *, limit_s: float) -> Reply:
        """Run *sh* as the play of *step* would, with no probe."""
        [reply] = self._send([Task(sh)], step.become, limit_s)
        return reply

    def note(self, step: HostStep, notes: Sequence[Sh], *, limit_s: float) -> None:
        """Run *notes*, which come before the change of *step*, as changes are run."""
        self._send([Task(sh, strict=True) for sh in notes], step.become, limit_s)

    def upload(
        self,
        step: HostStep,
        upload: Upload,
        *,
        limit_s: float,
        stopped: threading.Event,
    ) -> Reply:
        """Send the files of *upload*, which the change of *step* needs, until *stopped*."""
        self._sent_over = self._connection.opened
        return self._connection.upload(
            receiving(upload), become=step.become, limit_s=limit_s, stopped=stopped
        )

    def ahead(self, step: HostStep) -> list[HostStep]:
        """Return the steps of this lane from *step* on, as far as one script can probe them.

        Steps that run as another user need a script of their own: they are probed when
        their turn comes.
        """
        return [
            s
            for s in self._steps
            if s.number >= step.number and s.become == step.become
        ]

    def _take_first_look(self, step: HostStep) -> None:
        """Probe the steps of all lanes, or take what another lane was answered."""
        connection, become = self._connection, step.become
        with connection.looking:
            look = connection.first_looks.get(become)
            if look is None:
                steps = [s for s in connection.steps if s.become == become]
                ages = {s.lane: self._elsewhere(s.lane) for s in steps}
                host = connection.host
                own = {lane: self._clock.within(host, lane) for lane in ages}
                self._look(steps, become)
                over, unmerged = self._replied_over, frozenset(self._unmerged)
                look = FirstLook(dict(self._replies), unmerged, ages, own, over)
                connection.first_looks[become] = look
        self._replies = dict(look.replies)
        self._replied_over = look.over
        self._unmerged |= look.unmerged
        self._probed_at = look.ages[self._lane]
        self._looked.add(become)
        changed = self._clock.within(connection.host, self._lane)
        # Another lane may have looked as this user before changes of this one as another.
        if self._probed_at < self._fresh_from or look.own[self._lane] < changed:
            self.forget()

    def _look(self, steps: Sequence[HostStep], become: bool) -> None:
        started = time.monotonic()
        self._exchange(steps, become)
        seconds = time.monotonic() - started
        probed = len(self._replies)
        self._emit(
            HostProbed(host=self._connection.host, steps=probed, seconds=seconds)
        )

    def _exchange(self, steps: Sequence[HostStep], become: bool) -> None:
        """Probe *steps*, and keep the replies."""
        look = self._merged(steps)
        self._forget_before_asking()
        tasks = [Task(sh) for sh in look.merged.fragments]
        replies = self._send(tasks, become, PROBE_LIMIT_S)
        self._keep(look, replies)

    def _remember(self, replies: Mapping[int, Reply], own: Collection[int]) -> None:
        """Remember *replies* of those steps that were not asked since."""
        self._before = {n: r for n, r in replies.items() if n not in self._replies}
        self._own.update(n for n in self._before if n in own)

    def _looks(
        self, step: HostStep, alone: Collection[int], last: HostStep | None
    ) -> tuple[Look, Look]:
        """Return the probes from *step* on to *last*, and those of the steps after it."""
        ahead = self.ahead(step)
        near = [s for s in ahead if last is None or s.number <= last.number]
        return self._merged(near, alone), self._merged(ahead[len(near) :], alone)

    def _merged(self, steps: Sequence[HostStep], alone: Collection[int] = ()) -> Look:
        probes = tuple(s.bound.step.probe() for s in steps)
        places = {place for place, s in enumerate(steps) if s.number in alone}
        return Look(tuple(steps), probes, merge_probes(probes, self._unmerged, places))

    def _forget_before_asking(self) -> None:
        self.forget()
        self._sent_over = self._replied_over = self._connection.opened
        self._probed_at = self._elsewhere(self._lane)

    def _keep(
        self, look: Look, replies: Sequence[Reply], *, only_ended: bool = False
    ) -> None:
        """Keep the reply to the probe of each step of *look*, as far as it is its own.

        A merged probe that failed does not tell for which step: from now on the
        probes with its text are sent unmerged.
        """
        merged = look.merged
        rows = zip(look.steps, look.probes, merged.answers, strict=True)
        for step, probe, answer in rows:
            reply = replies[answer]
            if only_ended and (not reply.ended or reply.exit is None):
                continue
            alone = probe.args == merged.fragments[answer].args
            if reply.ended and reply.exit != 0 and not alone:
                self._unmerged.add(probe.text)
            else:
                self._replies[step.number] = reply
                if alone:
                    self._own.add(step.number)

    def _send(self, tasks: Sequence[Task], become: bool, limit_s: float) -> list[Reply]:
        self._sent_over = self._connection.opened
        return self._connection.send(tasks, become=become, limit_s=limit_s)

    def _elsewhere(self, lane: str) -> int:
        return self._clock.elsewhere(self._connection.host, lane)
