"""Running faults, printing their results, and writing the page in docs/."""

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

from faults.fault import FAULTS, CannotInjectError, Fault
from faults.fault_host import ROOT

CAUSES = ("link", "host", "clock", "docker", "power", "controller", "batches", "kills")
RESULTS = Path(__file__).with_name("results.json")
PAGE = ROOT / "docs/what-happens-when.md"
PASSED, FAILED, NOT_RUN = "passed", "failed", "not run"
HEAD = """\
# What happens when ...

Each fault on this page was caused in the lab (three virtual hosts with Docker and Ray of their
own), and its outcome was checked by other means than this program. The last column is the result of
the last run, and how long the run took.
This page is written by `invoke lab.chaos --all`; the faults are in `tests/lab/faults`.
"""


@dataclass(frozen=True, slots=True)
class Result:
    """Result of the last run of a fault."""

    result: str
    seconds: int
    why: str = ""


def faults() -> list[Fault]:
    """Return all faults."""
    for name in CAUSES:
        importlib.import_module(f"faults.causes.{name}")
    return FAULTS


def matching(pattern: str) -> list[Fault]:
    """Return the faults whose heading and name match *pattern*, a regular expression."""
    return [f for f in faults() if re.search(pattern, f"{f.heading}: {f.name}")]


def sample(found: Sequence[Fault], seed: int, seconds: float) -> list[Fault]:
    """Return some of the faults, chosen by *seed*, that take *seconds* at most."""
    mixed, taken, left_s = list(found), [], seconds
    random.Random(seed).shuffle(mixed)
    for one in mixed:
        if one.estimate_s <= left_s:
            taken.append(one)
            left_s -= one.estimate_s
    return taken


def run_fault(one: Fault, prepare: Callable[[Fault], None] = lambda _: None) -> Result:
    """Prepare the lab for a fault, inject it, and return the result of its check."""
    started, result, why = time.monotonic(), NOT_RUN, ""
    try:
        prepare(one)
        started, result = time.monotonic(), FAILED
        one.check()
        result = PASSED
    except CannotInjectError as error:
        result, why = NOT_RUN, str(error)
    except Exception as error:  # noqa: BLE001 - the other faults still have to run
        traceback.print_exc()
        why = _first_line(error)
    return Result(result, round(time.monotonic() - started), why)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or repr(error)).splitlines()[0][:200]


def run_faults(
    found: Iterable[Fault], prepare: Callable[[Fault], None], *, store: bool
) -> dict[str, Result]:
    """Run faults one after the other, and print a line for each."""
    results = {}
    for one in found:
        print(f"... {one.name}", flush=True)
        result = results[one.name] = run_fault(one, prepare)
        print(f"{result.result:8} {result.seconds:5} s  {one.name}", flush=True)
        if result.why:
            print(f"{'':17} {result.why}", flush=True)
        if store:  # at once: the last fault may be hours away
            store_results(results)
    return results


def stored_results() -> dict[str, Result]:
    """Return the stored result of each fault."""
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return {name: Result(**result) for name, result in found.items()}


def store_results(results: dict[str, Result]) -> None:
    """Add *results* to the stored ones, and write the page again."""
    names = [one.name for one in faults()]
    every = {**stored_results(), **results}
    text = {name: asdict(every[name]) for name in names if name in every}
    RESULTS.write_text(json.dumps(text, indent=1) + "\n")
    PAGE.write_text(page())


def page() -> str:
    """Return the page for docs/: all faults, with their stored results."""
    results, lines, heading = stored_results(), [HEAD], ""
    for one in faults():
        if one.heading != heading:
            heading = one.heading
            lines += [
                f"## ... {heading}\n",
                "| what happens | what you see | what to do | result |",
                "|---|---|---|---|",
            ]
        lines.append(_row(one, results.get(one.name)))
        if one is faults()[-1] or faults()[faults().index(one) + 1].heading != heading:
            lines.append("")
    return "\n".join(lines)


def _row(one: Fault, result: Result | None) -> str:
    text = "not yet run"
    if result:
        text = f"{result.result}, {result.seconds} s"
        text += f": {result.why}" if result.why else ""
    cells = (f"{one.name[0].upper()}{one.name[1:]}.", one.outcome, one.todo, text)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
