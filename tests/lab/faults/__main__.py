"""`invoke lab.chaos`: faults done to the lab for a while, and a table of what held."""

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
    """Do what the options say; 1 where a fault is not held."""
    options = _parser().parse_args()
    found = table.chosen(options.only)
    if options.list:
        return _list(found)
    seed = options.seed if options.seed is not None else random.randrange(10_000)
    everything = options.all or (options.only and not options.minutes)
    if not everything:
        found = table.sample(found, seed, (options.minutes or 10) * 60)
    if not found:
        print(
            f"no fault is called {options.only!r}: --list shows them", file=sys.stderr
        )
        return BAD_INPUT
    random.seed(seed)
    print(f"seed {seed}, {len(found)} faults", flush=True)
    lab.up(3, progress=print)
    done = table.do_all(found, _prepare, keeping=options.all or options.keep)
    held = sum(seen.result == table.HELD for seen in done.values())
    print(f"\n{held} of {len(done)} held (seed {seed})")
    for name, seen in done.items():
        print(f"  {seen.result:8} {seen.seconds:5} s  {name}")
    return int(any(seen.result == table.NOT_HELD for seen in done.values()))


def _prepare(one: Fault) -> None:
    if one.cluster:
        from faults import cluster

        cluster.deployed()


def _list(found: list[Fault]) -> int:
    for one in found:
        print(f"{one.part}: {one.name}\n  {one.done}\n  {one.outcome}\n  {one.todo}")
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"error: {message}; --list shows what there is\n")


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
    parser.add_argument("--all", action="store_true", help="every fault, to the page")
    parser.add_argument("--keep", action="store_true", help="write results to the page")
    parser.add_argument(
        "--only", type=_pattern, default="", help="a regular expression"
    )
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--list", action="store_true", help="say what there is")
    return parser


if __name__ == "__main__":
    sys.exit(main())
