"""Gates hold back what they must and nothing else, whatever the number of threads."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from provision.engine.host.connection import HostStep
from provision.engine.host.converge import HostPlay
from provision.engine.scheduler import ScheduledPlay, Scheduler, new_queue
from provision.errors import LockHeldError
from provision.model.events import Cause, Event, HostBlocked, HostFailed, StepChanged
from provision.model.step import BoundStep, Step


def play(
    name: str, hosts: list[str], after: tuple[str, ...] = (), batch: int = 0
) -> ScheduledPlay:
    step = HostStep(0, name, become=False, bound=BoundStep(Step()))
    on_hosts = tuple(HostPlay(name, host, (step,)) for host in hosts)
    return ScheduledPlay(name, after, batch, on_hosts)


class Log:
    """Runs plays, and records which were started, in order, and what was reported."""

    def __init__(self, *plays: ScheduledPlay, fail: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        self.plays = plays
        self.fail = fail
        self.started: list[str] = []
        self.threads: list[list[str]] = []
        self.reported: list[Event] = []
        self.events = new_queue()
        self.interrupted = threading.Event()
        self.halted = 0
        self.nothing_to_do: set[str] = set()
        self.meet: Callable[[str], None] = lambda label: None

    def work(self, *plays: HostPlay, go_on: Callable[[], None]) -> bool:
        self.threads.append([f"{play.play}@{play.host}" for play in plays])
        for number, play in enumerate(plays):
            label = f"{play.play}@{play.host}"
            if number:
                go_on()
            if number and self.interrupted.is_set():
                by = Cause("the end of the run")
                blocked = HostBlocked(
                    host=play.host, play=play.play, by=by, steps=len(play.steps)
                )
                self.events.put(blocked)
                return False
            self.started.append(label)
            self.meet(label)
            self.events.put(
                StepChanged(
                    host=play.host, play=play.play, step="s", changes=(), seconds=0
                )
            )
            if label in self.fail:
                return False
        return True

    def halt(self) -> None:
        self.halted += 1

    def run(self, forks: int = 4, *, gates: bool = True) -> Log:
        scheduler = Scheduler(
            self.plays,
            self.work,
            idle=lambda play: f"{play.play}@{play.host}" in self.nothing_to_do,
            events=self.events,
            report=self.reported.append,
            gates=gates,
            interrupted=self.interrupted,
            halt=self.halt,
            forks=forks,
        )
        scheduler.run()
        return self

    @property
    def blocked(self) -> set[str]:
        return {
            f"{e.play}@{e.host}" for e in self.reported if isinstance(e, HostBlocked)
        }


CLUSTER = (
    play("base", ["head", "w1", "w2"]),
    play("head", ["head"]),
    play("workers", ["w1", "w2"], after=("head",)),
    play("nodes", ["head"], after=("workers",)),
)


@pytest.mark.parametrize("forks", [1, 2, 8])
def test_every_play_runs_once_and_after_its_gate(forks: int) -> None:
    started = Log(*CLUSTER).run(forks).started
    base = ["base@head", "base@w1", "base@w2"]
    assert sorted(started) == sorted(
        [*base, "head@head", "workers@w1", "workers@w2", "nodes@head"]
    )
    assert started.index("head@head") < started.index("workers@w1")
    assert started[-1] == "nodes@head"


@pytest.mark.parametrize("forks", [1, 2, 8])
def test_plays_that_only_follow_are_run_by_one_thread(forks: int) -> None:
    log = Log(*CLUSTER, play("last", ["head", "w2"])).run(forks)
    assert sorted(log.threads) == [
        ["base@head", "head@head"],
        ["base@w1"],
        ["base@w2"],
        ["nodes@head", "last@head"],
        ["workers@w1"],
        ["workers@w2", "last@w2"],
    ]


def test_a_gate_opens_while_the_thread_goes_on() -> None:
    log = Log(play("a", ["one"]), play("b", ["one"]), play("c", ["two"], ("a",)))
    opened = threading.Event()

    def meet(label: str) -> None:
        if label == "c@two":
            opened.set()
        if label == "b@one":
            assert opened.wait(10), "the gate waited for what follows"

    log.meet = meet
    assert log.run(2).threads[0] == ["a@one", "b@one"]


def test_a_failure_in_a_later_play_of_a_thread_is_its_own() -> None:
    rows = [play(name, ["one"]) for name in "abcd"]
    log = Log(
        *rows, play("e", ["two"], ("a",)), play("f", ["two"], ("b",)), fail={"b@one"}
    )
    log.run(2)
    assert log.blocked == {"c@one", "d@one", "f@two"}
    assert sorted(log.started) == ["a@one", "b@one", "e@two"]


def test_a_slow_host_holds_back_only_its_own_plays() -> None:
    log = Log(*CLUSTER[:3])
    joined = threading.Event()

    def meet(label: str) -> None:
        if label == "workers@w2":
            joined.set()
        if label == "base@w1":
            assert joined.wait(10), "w2 waited for w1"

    log.meet = meet
    log.run(3)
    assert log.started.index("workers@w2") < log.started.index("workers@w1")


def test_a_failure_blocks_its_host_and_its_gates_and_no_one_else() -> None:
    log = Log(*CLUSTER, fail={"base@w1"}).run()
    assert log.blocked == {"workers@w1", "nodes@head"}
    assert "workers@w2" in log.started


def test_a_failed_head_blocks_the_workers() -> None:
    log = Log(*CLUSTER, fail={"head@head"}).run()
    assert log.blocked == {"workers@w1", "workers@w2", "nodes@head"}
    assert {str(e.by) for e in log.reported if isinstance(e, HostBlocked)} == {
        "head in head"
    }


def test_a_batch_runs_its_hosts_a_few_at_a_time_and_stops_at_a_bad_one() -> None:
    hosts = ["a", "b", "c", "d", "e"]
    assert Log(play("roll", hosts, batch=1)).run(8).started == [
        f"roll@{h}" for h in hosts
    ]
    log = Log(play("roll", hosts, batch=2), fail={"roll@b"}).run(8)
    assert sorted(log.started) == ["roll@a", "roll@b"]
    assert log.blocked == {"roll@c", "roll@d", "roll@e"}


def test_a_batch_begins_when_all_have_come_and_who_has_nothing_to_do_passes_by() -> (
    None
):
    hosts = ["a", "b", "c"]
    log = Log(play("base", hosts), play("roll", hosts, batch=1))
    log.nothing_to_do = {"roll@b"}
    passed = threading.Event()

    def meet(label: str) -> None:
        if label == "roll@b":
            passed.set()
        if label == "base@a":
            assert passed.wait(10), "b waited for a batch"
            assert "roll@c" not in log.started, "c did not wait for a"

    log.meet = meet
    log.run(3)
    assert log.started[-2:] == ["roll@c", "roll@a"]


def test_a_bad_batch_stops_the_rest_but_not_who_has_nothing_to_do() -> None:
    hosts = ["a", "b", "c", "d"]
    log = Log(play("roll", hosts, batch=1), play("end", ["h"], ("roll",)))
    log.nothing_to_do, log.fail = {"roll@d"}, {"roll@b"}
    log.run(4)
    assert sorted(log.started) == ["roll@a", "roll@b", "roll@d"]
    assert log.blocked == {"roll@c", "end@h"}
    assert {str(e.by) for e in log.reported if isinstance(e, HostBlocked)} == {
        "b in roll"
    }


def test_a_host_that_failed_before_does_not_stop_the_batches_of_others() -> None:
    hosts = ["a", "b", "c"]
    plays = [play("base", hosts), play("roll", hosts, batch=1)]
    log = Log(*plays, fail={"base@a"}).run(4)
    assert log.blocked == {"roll@a"}
    assert log.started[-2:] == ["roll@b", "roll@c"]


def interrupt_in_the_middle(log: Log) -> None:
    """Run *log*, whose first unit meets an interruption and ends when all is halted."""
    halted = threading.Event()

    def meet(label: str) -> None:
        log.interrupted.set()
        assert halted.wait(10)

    log.meet = meet
    log.halt = halted.set  # type: ignore[method-assign]
    log.run(1)


def test_an_interruption_leaves_out_who_waits_for_a_batch() -> None:
    log = Log(play("roll", ["a", "b", "c"], batch=1))
    interrupt_in_the_middle(log)
    assert log.started == ["roll@a"]
    assert log.blocked == {"roll@b", "roll@c"}


def test_a_gate_on_a_play_without_hosts_is_open() -> None:
    plays = [play("head", ["h"]), play("workers", [], ("head",))]
    log = Log(*plays, play("nodes", ["h"], ("workers",))).run()
    assert log.started == ["head@h", "nodes@h"]


def test_without_gates_a_failure_elsewhere_holds_nothing_back() -> None:
    log = Log(*CLUSTER, fail={"head@head"}).run(gates=False)
    assert log.blocked == {"nodes@head"}
    assert "workers@w1" in log.started


def test_a_defect_on_one_host_is_reported_and_the_others_go_on() -> None:
    log = Log(play("base", ["a", "b"]))

    def meet(label: str) -> None:
        if label == "base@a":
            raise ZeroDivisionError("oops")

    log.meet = meet
    log.run()
    [failed] = [event for event in log.reported if isinstance(event, HostFailed)]
    assert failed.host == "a" and "internal error: ZeroDivisionError" in str(
        failed.error
    )
    assert "base@b" in log.started


def test_an_error_of_the_whole_run_stops_it_and_is_raised() -> None:
    log = Log(play("one", ["a"]), play("two", ["a", "b"], after=("one",)))

    def meet(label: str) -> None:
        raise LockHeldError("held")

    log.meet = meet
    with pytest.raises(LockHeldError):
        log.run()
    assert log.started == ["one@a"]
    assert log.halted == 1


def test_an_interruption_starts_nothing_new_and_reports_the_rest_as_blocked() -> None:
    log = Log(*CLUSTER)
    interrupt_in_the_middle(log)
    assert "nodes@head" in log.blocked
    assert all(label.startswith("base") for label in log.started)


def test_what_an_interruption_leaves_out_of_a_row_of_plays_is_no_failure() -> None:
    log = Log(*(play(name, ["h"]) for name in ("a", "b", "c")))
    interrupt_in_the_middle(log)
    assert log.started == ["a@h"]
    blocked = [event for event in log.reported if isinstance(event, HostBlocked)]
    assert {event.play: str(event.by) for event in blocked} == {
        "b": "the end of the run",
        "c": "the interruption",
    }


def test_no_event_is_lost_however_many_there_are() -> None:
    log = Log(play("base", ["a"]))

    def meet(label: str) -> None:
        for number in range(20000):
            log.events.put(
                HostBlocked(host="a", play=str(number), by=Cause(""), steps=0)
            )

    log.meet = meet
    log.run()
    plays = [event.play for event in log.reported if isinstance(event, HostBlocked)]
    assert plays == [str(number) for number in range(20000)]
