"""Events of a run are added up once, and every reporter sees the same result."""

from __future__ import annotations

from types import TracebackType

import pytest

from provision.model.events import Event, HostDone, RunStarted
from provision.model.mode import Mode
from provision.model.result import Run
from provision.report.reporters import Reporters

STARTED = RunStarted(mode=Mode.APPLY, cluster="lab", steps={"node1": 1})


class Follower:
    """A reporter that records what it is given."""

    def __init__(self, fails: str = "") -> None:
        self.fails = fails
        self.result: Run | None = None
        self.hosts: list[list[str]] = []
        self.ended_by: list[object] = []

    def follow(self, result: Run) -> None:
        self.result = result

    def __enter__(self) -> Follower:
        if self.fails:
            raise ValueError(self.fails)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.ended_by.append(error)

    def __call__(self, event: Event) -> None:
        assert self.result
        self.hosts.append([*self.result.hosts])


def test_each_event_is_in_the_result_before_a_reporter_gets_it() -> None:
    one, other, plain = Follower(), Follower(), list[Event]()
    with Reporters([one, plain.append, other]) as reporters:
        reporters(STARTED)
        reporters(HostDone(host="node2", round_trips=1, seconds=1))
    assert one.result is other.result is reporters.result
    assert one.hosts == [["node1"], ["node1", "node2"]]
    assert len(plain) == 2


def test_every_reporter_is_ended_with_the_error_that_ended_the_run() -> None:
    followers = [Follower(), Follower()]
    error = KeyError("x")
    with pytest.raises(KeyError), Reporters(followers):
        raise error
    assert [follower.ended_by for follower in followers] == [[error], [error]]


def test_a_reporter_that_cannot_begin_ends_those_that_have_begun() -> None:
    begun = Follower()
    with pytest.raises(ValueError, match="no"), Reporters([begun, Follower("no")]):
        raise AssertionError
    assert len(begun.ended_by) == 1
