"""Inject faults into the lab, and report which had the expected outcome."""

from __future__ import annotations

import argparse
import random
import re
import sys
from typing import NoReturn

from faults import table
from faults.fault import Fault
from provision import lab

BAD_INPUT = 5


def main() -> int:
    """Run the chosen faults; return 1 if one of them failed."""
    options = _parser().parse_args()
    found = table.matching(options.only)
    if options.list:
        return _list(found)
    seed = options.seed if options.seed is not None else random.randrange(10_000)
    everything = options.all or (options.only and not options.minutes)
    if not everything:
        found = table.sample(found, seed, (options.minutes or 10) * 60)
    if not found:
        print(
            f"no fault matches {options.only!r}; list them with --list", file=sys.stderr
        )
        return BAD_INPUT
    random.seed(seed)
    print(f"seed {seed}, {len(found)} faults", flush=True)
    lab.up(3, progress=print)
    results = table.run_faults(found, _prepare, store=options.all or options.keep)
    passed = sum(one.result == table.PASSED for one in results.values())
    print(f"\n{passed} of {len(results)} passed (seed {seed})")
    for name, one in results.items():
        print(f"  {one.result:8} {one.seconds:5} s  {name}")
    return int(any(one.result == table.FAILED for one in results.values()))


def _prepare(one: Fault) -> None:
    if one.cluster:
        from faults import cluster

        cluster.ensure_deployed()


def _list(found: list[Fault]) -> int:
    for one in found:
        print(
            f"{one.heading}: {one.name}\n  {one.injection}\n  {one.outcome}\n  {one.todo}"
        )
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"error: {message}; use --list to see all faults\n")


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(
            f"not a regular expression: {error}"
        ) from error
    return text


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="lab.chaos", description=__doc__)
    parser.add_argument(
        "--all", action="store_true", help="run all faults, write the page"
    )
    parser.add_argument(
        "--keep", action="store_true", help="write the results to the page"
    )
    parser.add_argument(
        "--only", type=_pattern, default="", help="a regular expression"
    )
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--list", action="store_true", help="list the faults")
    return parser


if __name__ == "__main__":
    sys.exit(main())
