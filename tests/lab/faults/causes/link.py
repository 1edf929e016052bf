"""The link between controller and host: cut, slow, stalling."""

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
    Scene,
    Steps,
    scene,
    slow,
    text,
    wait_until,
)

PART = "the link to a host fails"
UPLOAD_BYTES = 900_000
FIRST_BYTES = 300_000
"""Sent of an upload when the link is cut; what comes before it is far less."""
PROXY = "A proxy between controller and sshd holds back every byte"
STEPS: Steps = [text("before"), slow("slow"), text("after")]
NAMES = ("before", "slow", "after")
BIG: Steps = [text("big", "x" * UPLOAD_BYTES), text("after")]

Start = Callable[[], Controller]
Moment = Callable[[Proxy, Start], Controller]
"""Starts a run, and cuts its link at a certain moment."""


def connecting(link: Proxy, start: Start) -> Controller:
    link.cut()
    run = start()
    wait_until(lambda: link.connections > 0, 60, "the controller connects")
    return run


def looking(link: Proxy, start: Start) -> Controller:
    run = start()
    run.see("connected (")
    link.cut()
    return run


def changing(link: Proxy, start: Start) -> Controller:
    run = start()
    run.see("applying file /etc/provision-fault/slow")
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
    "while a run looks at it": (looking, STEPS),
    "while a step changes it": (changing, STEPS),
    "while a file is sent to it": (sending, BIG),
}


def _cut(cut: Moment, steps: Steps, length_s: float, code: int) -> None:
    """Cut the link for a while; where the run gives up, the next one finishes."""
    with scene() as at, proxy(at.node.port) as link:
        run = cut(link, lambda: at.start(steps, port=link.port))
        time.sleep(length_s)
        link.mend()
        run.ended(code)
        if code:
            at.deploy(steps)
        _all_there(at, steps)


def _all_there(at: Scene, steps: Steps) -> None:
    """See that all was done, once, and that nothing is left over."""
    names = [step["file"]["path"].rpartition("/")[2] for step in steps]
    at.is_whole(*sorted(names))
    assert at.notes().count("slow") <= 1, "a change that got through was repeated"


def _cut_for_good(cut: Moment, steps: Steps) -> None:
    """Cut the link and leave it so; a next run comes another way, and at once."""
    with scene() as at, proxy(at.node.port) as link:
        run = cut(link, lambda: at.start(steps, port=link.port))
        said = run.ended(4, 75)
        assert "node3" in said
        assert "to do:" in said
        at.deploy(steps)
        _all_there(at, steps)


def _faults() -> None:
    """Each moment, each length."""
    for when, (cut, steps) in MOMENTS.items():
        early = cut is connecting
        fault(
            PART,
            f"the link to a host is cut for 5 s {when}",
            done=f"{PROXY} for 5 s.",
            outcome="The run waits, and goes on where it was when the link is back "
            "(exit 0).",
            about_s=15,
        )(lambda cut=cut, steps=steps: _cut(cut, steps, 5, 0))  # type: ignore[misc]
        fault(
            PART,
            f"the link to a host is cut for 30 s {when}",
            done=f"{PROXY} for 30 s.",
            outcome="The host is given up after 10 s (exit 4), the others are worked on."
            if early
            else "The run waits. After 30 s without a sign of life it connects anew, "
            "looks at the host, and does only what is still missing (exit 0).",
            todo=AGAIN if early else NOTHING,
            about_s=45,
        )(lambda cut=cut, steps=steps, code=4 * early: _cut(cut, steps, 30, code))  # type: ignore[misc]
        fault(
            PART,
            f"the link to a host is cut for good {when}",
            done=f"{PROXY} from then on; the next run does not go through the proxy.",
            outcome="The host is given up within a minute (exit 4, with what to check); "
            "the others are worked on. A step that had begun is killed after 25 s, and "
            "the cluster's lock is free after 30 s.",
            todo=f"See to the link. {AGAIN}",
            about_s=25 if early else 60,
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
    PART,
    "the link to a host has a latency of 300 ms and stalls for seconds",
    done="A proxy delays every byte, and stops for up to 3 s at random.",
    outcome="The run takes longer and ends well (exit 0); one round trip to look, one "
    "more for each change.",
    about_s=40,
)
def stalling() -> None:
    with scene() as at, proxy(at.node.port, 300) as link, _stalls(link):
        said = at.start([*STEPS, *BIG[:1]], port=link.port).ended(0)
        _all_there(at, [*STEPS, *BIG[:1]])
    assert "connection lost" not in said, "a slow link is not a lost one"


@fault(
    PART,
    "the controller changes its network while a step runs",
    done="A proxy leaves the connections there are stranded: nothing more gets through, "
    "not even their end. New ones get through at once.",
    outcome="What the step runs on the host is killed after 25 s. The run gives the "
    "connection up after 30 s, connects anew, looks, and does what is still missing "
    "(exit 0). Nothing runs twice at the same time.",
    about_s=90,
)
def stranded() -> None:
    command = f"echo begun >>{NOTES}; sleep 38; echo ended >>{NOTES}"
    steps = [text("before"), text("long", first=command), text("after")]
    with scene() as at, proxy(at.node.port) as link:
        run = at.start(steps, port=link.port)
        wait_until(lambda: "begun" in at.notes(), 30, "the step runs")
        link.strand()
        run.ended(0, 150)
        at.is_whole("after", "before", "long")
        assert at.notes() == ["begun", "begun", "ended"], "it ran beside itself"
