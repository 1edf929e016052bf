"""Network faults between controller and host: cut, slow or stalling links."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator

from support.tcp_proxy import Proxy, proxy

from faults.fault import AGAIN, NOTHING, fault
from faults.fault_host import (
    NOTES,
    Controller,
    FaultHost,
    Steps,
    fault_host,
    file_step,
    slow_step,
    wait_until,
)

HEADING = "the link to a host fails"
UPLOAD_BYTES = 900_000
FIRST_BYTES = 300_000
"""Bytes of an upload after which the link is cut; all before it is far less."""
PROXY = "A proxy between controller and sshd holds back every byte"
STEPS: Steps = [file_step("before"), slow_step("slow"), file_step("after")]
NAMES = ("before", "slow", "after")
BIG: Steps = [file_step("big", "x" * UPLOAD_BYTES), file_step("after")]

Start = Callable[[], Controller]
Moment = Callable[[Proxy, Start], Controller]
"""Starts a run, and cuts its link at some moment."""


def connecting(link: Proxy, start: Start) -> Controller:
    link.cut()
    run = start()
    wait_until(lambda: link.connections > 0, 60, "the controller connects")
    return run


def probing(link: Proxy, start: Start) -> Controller:
    run = start()
    run.wait_for_line("connected (")
    link.cut()
    return run


def applying(link: Proxy, start: Start) -> Controller:
    run = start()
    run.wait_for_line("applying file /etc/provision-fault/slow")
    time.sleep(0.5)
    link.cut()
    return run


def sending(link: Proxy, start: Start) -> Controller:
    link.cut_at = FIRST_BYTES
    run = start()
    wait_until(lambda: not link.whole, 60, "the file is on its way")
    return run


MOMENTS: dict[str, tuple[Moment, Steps]] = {
    "while a run connects": (connecting, STEPS),
    "while a run probes it": (probing, STEPS),
    "while a step changes it": (applying, STEPS),
    "while a file is sent to it": (sending, BIG),
}


def _cut(cut: Moment, steps: Steps, length_s: float, code: int) -> None:
    """Cut the link for a while; if the run gives up, the next one finishes."""
    with fault_host() as host, proxy(host.virtual_host.port) as link:
        run = cut(link, lambda: host.start(steps, port=link.port))
        time.sleep(length_s)
        link.mend()
        run.expect_exit(code)
        if code:
            host.deploy(steps)
        _assert_done(host, steps)


def _assert_done(host: FaultHost, steps: Steps) -> None:
    """Check that every step was applied once, and that nothing is left over."""
    names = [step["file"]["path"].rpartition("/")[2] for step in steps]
    host.assert_files(*sorted(names))
    assert host.notes().count("slow") <= 1, "a change that had been made was repeated"


def _cut_for_good(cut: Moment, steps: Steps) -> None:
    """Cut the link for good; the next run takes another way at once."""
    with fault_host() as host, proxy(host.virtual_host.port) as link:
        run = cut(link, lambda: host.start(steps, port=link.port))
        printed = run.expect_exit(4, 75)
        assert "node3" in printed
        assert "to do:" in printed
        host.deploy(steps)
        _assert_done(host, steps)


def _faults() -> None:
    """Register a fault for each moment and each duration."""
    for when, (cut, steps) in MOMENTS.items():
        early = cut is connecting
        fault(
            HEADING,
            f"the link to a host is cut for 5 s {when}",
            injection=f"{PROXY} for 5 s.",
            outcome="The run waits, and continues when the link is back (exit 0).",
            estimate_s=15,
        )(lambda cut=cut, steps=steps: _cut(cut, steps, 5, 0))  # type: ignore[misc]
        fault(
            HEADING,
            f"the link to a host is cut for 30 s {when}",
            injection=f"{PROXY} for 30 s.",
            outcome="The host fails after 10 s (exit 4); the other hosts continue."
            if early
            else "The run waits. After 30 s without any data it connects again, "
            "probes the host, and applies only what is still missing (exit 0).",
            todo=AGAIN if early else NOTHING,
            estimate_s=45,
        )(lambda cut=cut, steps=steps, code=4 * early: _cut(cut, steps, 30, code))  # type: ignore[misc]
        fault(
            HEADING,
            f"the link to a host is cut for good {when}",
            injection=f"{PROXY} from then on; the next run does not go through the proxy.",
            outcome="The host fails within a minute (exit 4, with a hint what to check); "
            "the other hosts continue. A running step is killed after 25 s, and the "
            "cluster's lock is released after 30 s.",
            todo=f"Repair the link. {AGAIN}",
            estimate_s=25 if early else 60,
        )(lambda cut=cut, steps=steps: _cut_for_good(cut, steps))  # type: ignore[misc]


_faults()


@contextlib.contextmanager
def _stalls(link: Proxy, seed: int = 1) -> Iterator[None]:
    """Stop the link for up to 3 s every few seconds."""
    over, chance = threading.Event(), random.Random(seed)

    def stall() -> None:
        while not over.wait(chance.uniform(0.5, 3)):
            link.cut()
            over.wait(chance.uniform(0.5, 3))
            link.mend()

    thread = threading.Thread(target=stall)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@fault(
    HEADING,
    "the link to a host has a latency of 300 ms and stalls for seconds",
    injection="A proxy delays every byte, and stops for up to 3 s at random.",
    outcome="The run takes longer and succeeds (exit 0): one round trip for the probe, "
    "and one more for each change.",
    estimate_s=40,
)
def stalling() -> None:
    with (
        fault_host() as host,
        proxy(host.virtual_host.port, 300) as link,
        _stalls(link),
    ):
        printed = host.start([*STEPS, *BIG[:1]], port=link.port).expect_exit(0)
        _assert_done(host, [*STEPS, *BIG[:1]])
    assert "connection lost" not in printed, "a slow link is not a lost one"


@fault(
    HEADING,
    "the controller changes its network while a step runs",
    injection="A proxy stops the existing connections for good: nothing more gets through, "
    "not even their end. New connections work at once.",
    outcome="The command of the step is killed on the host after 25 s. The run drops the "
    "connection after 30 s, connects again, probes, and applies what is still missing "
    "(exit 0). Nothing runs twice at the same time.",
    estimate_s=90,
)
def stranded() -> None:
    command = f"echo begun >>{NOTES}; sleep 38; echo ended >>{NOTES}"
    steps = [file_step("before"), file_step("long", first=command), file_step("after")]
    with fault_host() as host, proxy(host.virtual_host.port) as link:
        run = host.start(steps, port=link.port)
        wait_until(lambda: "begun" in host.notes(), 30, "the step runs")
        link.strand()
        run.expect_exit(0, 150)
        host.assert_files("after", "before", "long")
        assert host.notes() == ["begun", "begun", "ended"], (
            "it ran twice at the same time"
        )
