"""Events of a run, one frozen dataclass for each kind.

Workers make them, the main thread hands them to reporters. They hold plain data,
so a report is the dataclass as a dict.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from provision.errors import ProvisionError
from provision.model.change import Change
from provision.model.mode import Mode


@dataclass(frozen=True, kw_only=True)
class Event:
    """Anything that happens; *at_s* is seconds since the epoch."""

    at_s: float = field(default_factory=time.time)


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """A run begins; *steps* counts the steps of all plays by host."""

    mode: Mode
    cluster: str = ""
    plays: tuple[str, ...] = ()
    steps: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Warned(Event):
    """Something a person should know, that stops nothing."""

    message: str
    host: str = ""


@dataclass(frozen=True, kw_only=True)
class HostEvent(Event):
    """Something that happens on one host."""

    host: str


@dataclass(frozen=True, kw_only=True)
class HostConnected(HostEvent):
    """The connection is up, after *seconds*.

    A quantum computer could not read a recording of it, if it is *quantum_safe*.
    """

    seconds: float
    quantum_safe: bool = True


@dataclass(frozen=True, kw_only=True)
class HostRetrying(HostEvent):
    """Connecting failed for the *attempt*-th time, or a connection was lost.

    It is tried again after *wait_s*, at most until attempt *most*. After a *lost* one
    the host is probed again before anything else.
    """

    attempt: int
    wait_s: float
    reason: str
    most: int = 0
    lost: bool = False


@dataclass(frozen=True, kw_only=True)
class HostProbed(HostEvent):
    """The probes of *steps* steps came back after *seconds*."""

    steps: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class HostFailed(HostEvent):
    """The host as a whole cannot go on: unreachable, sudo refused, ..."""

    error: ProvisionError
    play: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """Reason why steps are not run: *play* failed on *host*, or, without them, *text*."""

    text: str
    host: str = ""
    play: str = ""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, kw_only=True)
class HostBlocked(HostEvent):
    """The last *steps* of a play, or all, were not run here because of *by*."""

    play: str
    by: Cause
    steps: int


@dataclass(frozen=True, kw_only=True)
class HostDone(HostEvent):
    """All plays of the host ended; *round_trips* is what it took."""

    round_trips: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class StepEvent(HostEvent):
    """Something that happens to one step on one host."""

    play: str
    step: str
    kind: str = ""
    where: str = ""


@dataclass(frozen=True, kw_only=True)
class StepOk(StepEvent):
    """The step is as it should be; nothing was done. *observed* is what was seen.

    A step that only checks may have waited for that, *seconds* long.
    """

    observed: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class StepPlanned(StepEvent):
    """The step would make *changes* (a dry run).

    *because* names the earlier steps that these follow from; none: they are there now.
    *diff* is the unified diff of the text that is replaced, if it was asked for.
    """

    changes: tuple[Change, ...]
    observed: dict[str, str] = field(default_factory=dict)
    because: tuple[str, ...] = ()
    diff: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CheckUnmet(StepEvent):
    """The check found that *left* differs (a dry run); a deploy waits for it."""

    left: tuple[Change, ...]
    observed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StepApplying(StepEvent):
    """The step starts to make *changes*."""

    changes: tuple[Change, ...]


@dataclass(frozen=True, kw_only=True)
class StepWaiting(StepEvent):
    """The change ran; *left* still differs and is probed again."""

    left: tuple[Change, ...]


@dataclass(frozen=True, kw_only=True)
class StepOutdated(StepEvent):
    """The state of the step was no more as it had been planned from: it is planned anew."""


@dataclass(frozen=True, kw_only=True)
class OutputLine(StepEvent):
    """A running step printed a line."""

    line: str


@dataclass(frozen=True, kw_only=True)
class StepChanged(StepEvent):
    """The changes were made, and a second probe shows no difference."""

    changes: tuple[Change, ...]
    seconds: float
    diff: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StepFailed(StepEvent):
    """The step could not be brought to its desired state; *observed* is what was seen."""

    error: ProvisionError
    changes: tuple[Change, ...] = ()
    seconds: float = 0.0
    observed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RunEnded(Event):
    """The run is over."""

    seconds: float
    interrupted: bool = False


Emit = Callable[[Event], None]
"""Takes each event as it happens."""
