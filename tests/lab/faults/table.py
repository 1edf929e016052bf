"""Runs faults, prints what came of them, and keeps the page in docs/ true."""

from __future__ import annotations

import importlib
import json
import random
import re
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from faults.fault import FAULTS, CannotBeDoneError, Fault
from faults.fault_host import ROOT

MODULES = ("link", "host", "clock", "docker", "power", "controller", "kills")
SEEN = Path(__file__).with_name("seen.json")
PAGE = ROOT / "docs/what-happens-when.md"
HELD, NOT_HELD, NOT_DONE = "held", "not held", "not done"
HEAD = """\
# What happens when ...

Each line was done to the lab (three virtual hosts with Docker and Ray of their own), and what came
of it was looked at by other means than this program. The last column says what was seen there, and
how long that took in all.
This page is written by `invoke lab.chaos --all`; the faults are in `tests/lab/faults`.
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a fault when it was done last."""

    result: str
    seconds: int
    why: str = ""


def faults() -> list[Fault]:
    """All faults there are."""
    for name in MODULES:
        importlib.import_module(f"faults.causes.{name}")
    return FAULTS


def chosen(pattern: str) -> list[Fault]:
    """The faults whose heading and name have *pattern*, a regular expression."""
    return [f for f in faults() if re.search(pattern, f"{f.part}: {f.name}")]


def sample(found: Sequence[Fault], seed: int, seconds: float) -> list[Fault]:
    """Some of the faults, chosen by *seed*, that take *seconds* at most."""
    mixed, taken, left_s = list(found), [], seconds
    random.Random(seed).shuffle(mixed)
    for one in mixed:
        if one.about_s <= left_s:
            taken.append(one)
            left_s -= one.about_s
    return taken


def do(one: Fault, prepare: Callable[[Fault], None] = lambda _: None) -> Seen:
    """Do a fault to a lab that is prepared for it, and see what comes of it."""
    started, result, why = time.monotonic(), NOT_DONE, ""
    try:
        prepare(one)
        started, result = time.monotonic(), NOT_HELD
        one.check()
        result = HELD
    except CannotBeDoneError as error:
        result, why = NOT_DONE, str(error)
    except Exception as error:  # noqa: BLE001 - the others are still to be done
        traceback.print_exc()
        why = _first_line(error)
    return Seen(result, round(time.monotonic() - started), why)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or repr(error)).splitlines()[0][:200]


def do_all(
    found: Iterable[Fault], prepare: Callable[[Fault], None], *, keeping: bool
) -> dict[str, Seen]:
    """Do faults one after the other; a line for each as it is done."""
    done = {}
    for one in found:
        print(f"... {one.name}", flush=True)
        seen = done[one.name] = do(one, prepare)
        print(f"{seen.result:8} {seen.seconds:5} s  {one.name}", flush=True)
        if seen.why:
            print(f"{'':17} {seen.why}", flush=True)
        if keeping:  # at once: hours may go by until the last one
            keep(done)
    return done


def kept() -> dict[str, Seen]:
    """What was seen of each fault when it was done last."""
    found = json.loads(SEEN.read_text()) if SEEN.exists() else {}
    return {name: Seen(**seen) for name, seen in found.items()}


def keep(done: dict[str, Seen]) -> None:
    """Add what was seen to what is kept, and write the page anew."""
    names = [one.name for one in faults()]
    every = {**kept(), **done}
    text = {name: asdict(every[name]) for name in names if name in every}
    SEEN.write_text(json.dumps(text, indent=1) + "\n")
    PAGE.write_text(page())


def page() -> str:
    """The page for docs/: every fault, with what was seen of it."""
    seen, lines, part = kept(), [HEAD], ""
    for one in faults():
        if one.part != part:
            part = one.part
            lines += [
                f"## ... {part}\n",
                "| what happens | what you see | what to do | seen |",
                "|---|---|---|---|",
            ]
        lines.append(_row(one, seen.get(one.name)))
        if one is faults()[-1] or faults()[faults().index(one) + 1].part != part:
            lines.append("")
    return "\n".join(lines)


def _row(one: Fault, seen: Seen | None) -> str:
    said = "not yet"
    if seen:
        said = f"{seen.result}, {seen.seconds} s"
        said += f": {seen.why}" if seen.why else ""
    cells = (f"{one.name[0].upper()}{one.name[1:]}.", one.outcome, one.todo, said)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
