"""A host of the engine in these tests: its plays, a fake transport and its events."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from provision.engine.change_control.audit import Audit
from provision.engine.change_control.notes import notes_with
from provision.engine.host.batch import MOST
from provision.engine.host.connection import HostConnection, HostStep
from provision.engine.host.converge import Convergence, HostPlay
from provision.engine.host.session import ChangeClock
from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.model.events import Event
from provision.model.shell import Reply, Sh
from provision.model.step import BoundStep, Settled, Step, Thing, lines_of
from provision.testing import FakeTransport

PROBE = '[ ! -f "$path" ] || printf "text=%s\\n" "$(cat "$path")"'
WRITE = 'printf %s "$text" >"$path"; echo "wrote $text"'
LATER = '(sleep 0.5; printf %s "$text" >"$path") >/dev/null 2>&1 &'
NEAR = '[ -e "$near" ] || { echo "no $near" >&2; exit 9; }; printf "text=%s\\n" seen'
TELL = 'echo "evidence about $path"'


class Note(Step, kind="note"):
    """A file with this text, for tests."""

    path: str
    text: str = "new"
    needs: str = ""
    change: str = WRITE

    def probe(self) -> Sh:
        return Sh(NEAR, params={"near": self.needs}) if self.needs else self._sh(PROBE)

    def desired(self) -> State:
        return {"text": "seen" if self.needs else self.text}

    def plan(self, observed: State) -> list[Change]:
        if observed.get("text") == "foreign":
            raise RefusedError("belongs to someone else")
        return super().plan(observed)

    def settled(self) -> Settled | None:
        return Settled(lines_of(self.desired()))

    def apply(self, changes: Sequence[Change]) -> Sh:
        return self._sh(self.change)

    def evidence(self) -> Sh | None:
        return self._sh(TELL)

    def advice(self, problem: str) -> str:
        return "write it by hand" if "evidence" in problem else ""

    def _sh(self, text: str) -> Sh:
        return Sh(text, params={"path": self.path, "text": self.text})


TOGETHER = r"""
for path; do
    [ "${path##*/}" != unseen ] || { echo "cannot see $path" >&2; exit 9; }
    [ ! -f "$path" ] || printf '%s=%s\n' "$path" "$(cat "$path")"
done
echo "asked=$#"
"""


class Together(Note, kind="together"):
    """A note that is probed together with others, and knows how many they were."""

    def probe(self) -> Sh:
        return Sh.mergeable_probe(TOGETHER, self.path)

    def observe(self, reply: Reply) -> State:
        state = super().observe(reply)
        text = {"text": state[self.path]} if self.path in state else {}
        return text | {"asked": state["asked"]}


class Shared(Note, kind="shared"):
    """A note that several steps are about."""

    @property
    def thing(self) -> Thing:
        return self.path


class Rig:
    """A host with plays, and the events while it converges."""

    def __init__(
        self,
        *plays: Sequence[Step],
        dry: bool = False,
        audit: Audit | None = None,
        diff: bool = False,
        most: int = MOST,
    ) -> None:
        self.transport = FakeTransport()
        self.events: list[Event] = []
        self.seen: Callable[[Event], None] = lambda event: None
        self.stopped = threading.Event()
        self.before: Callable[[], None] = lambda: None
        self.clock = ChangeClock()
        self.plays: list[HostPlay] = []
        every: list[HostStep] = []
        for number, steps in enumerate(plays):
            own = tuple(
                HostStep(place, f"play{number}", become=False, bound=BoundStep(step))
                for place, step in enumerate(steps, start=len(every))
            )
            every += own
            self.plays.append(HostPlay(f"play{number}", "node1", own, gated=True))
        self.connection = HostConnection(
            *("node1", self.transport, every),
            emit=self.emit,
            stopped=self.stopped,
        )
        self.host = Convergence(
            self.connection,
            dry=dry,
            emit=self.emit,
            before_change=lambda: self.before(),  # noqa: PLW0108 - set later
            clock=self.clock,
            stopped=self.stopped,
            notes=notes_with(audit) if audit else None,
            diff=diff,
            most=most,
        )

    def emit(self, event: Event) -> None:
        self.events.append(event)
        self.seen(event)

    def run(self) -> bool:
        return all([self.host.run(play) for play in self.plays])  # noqa: C419 - all run

    def of(self, *kinds: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kinds)]

    @property
    def trips(self) -> int:
        return self.connection.round_trips
