"""doctor: what would make a deploy fail, before anything is changed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from provision.cli.command import command_of
from provision.cli.options import PASSWORDS, CommandOptions, command_line, option
from provision.cli.request import resolve, short_path

if TYPE_CHECKING:
    from rich.console import RenderableType

    from provision.ray.doctor import Diagnosis, Finding

STYLES = {"failure": "bold red", "warning": "yellow"}


@dataclass(frozen=True)
class DoctorOptions(CommandOptions):
    """The options of doctor."""

    json: bool = option(default=False, text="print the result as JSON")
    strict: bool = option(default=False, text="exit 3 if there are warnings")
    bandwidth: bool = option(
        default=False,
        text="also measure the bandwidth between hosts, and compare it with the best so far",
    )


OPTIONS = (
    *("inventory", "limit", "forks", "set", *PASSWORDS),
    *("json", "strict", "bandwidth"),
)


@command_of(DoctorOptions, *OPTIONS, read_only=True)
def doctor(options: DoctorOptions) -> int:
    """Find what would make a deploy fail; exit 2 if anything. Changes nothing.

    Example: doctor --inventory lab.yml
    """
    return examine(options)


def examine(options: DoctorOptions) -> int:
    """Do the work of the command; return its exit code."""
    from provision import api
    from provision.ray.stopped.stopped import stopped_lines
    from provision.report.console import output
    from provision.report.text import counted

    request = resolve(options, quiet=options.json)
    console = output(sys.stderr if options.json else None)
    with console.status(f"looking at {counted(len(request.inventory.hosts), 'host')}"):
        found = api.doctor(
            request.inventory,
            limit=options.limit,
            bandwidth=options.bandwidth,
            **request.cluster_options(),
        )
    if options.json:
        sys.stdout.write(f"{json.dumps(found.as_dict(), indent=2)}\n")
    else:
        console.show(*_lines(found), *_bandwidth(found), _sentence(found))
        console.show(*stopped_lines(found.stopped))
        console.show(*_next(found, options))
    return found.exit_code(strict=options.strict)


def _lines(found: Diagnosis) -> Iterator[RenderableType]:
    """The findings, failures first."""
    for one in (*found.failures, *found.warnings):
        yield from _finding(one)
    if found.findings:
        yield ""


def _finding(one: Finding) -> Iterator[RenderableType]:
    from rich.text import Text

    from provision.report.text import escape

    head = Text(f"{escape(one.host)}  ")
    head.append(one.level, STYLES[one.level])
    head.append(f"  {one.id}: {escape(one.seen)}")
    yield head
    yield f"  wanted: {escape(one.wanted)}"
    yield f"  to do:  {escape(one.remedy)}"


def _bandwidth(found: Diagnosis) -> Iterator[str]:
    """The slowest and the fastest transfer, and the file of the baseline."""
    from provision.report.text import counted, escape

    measured = found.bandwidth
    if not measured:
        return
    ended = sorted((one for one in measured.measured()), key=lambda pair: pair[0])
    sample = f", a sample of {measured.pairs}" if measured.sampled else ""
    yield f"bandwidth, {counted(len(ended), 'transfer')} between pairs{sample}"
    for word, (gbit_s, one) in zip(
        ("slowest", "fastest"), (*ended[:1], *ended[-1:]), strict=False
    ):
        yield f"  {word}   {gbit_s:.3g} Gbit/s, {escape(str(one))}"
    place = escape(short_path(Path(measured.baseline).absolute()))
    yield f"  baseline  {place} has the best of each pair so far"
    yield ""


def _sentence(found: Diagnosis) -> str:
    from provision.report.text import counted

    failures, warnings = len(found.failures), len(found.warnings)
    what = "all is well"
    if failures or warnings:
        what = f"{counted(failures, 'failure')}, {counted(warnings, 'warning')}"
    if found.interrupted:
        what = (
            f"interrupted: the rest is unknown; {what}" if failures else "interrupted"
        )
    return f"{counted(len(found.hosts), 'host')}{_pairs(found)}: {what}"


def _pairs(found: Diagnosis) -> str:
    pairs = found.pairs
    if not pairs.all:
        return ""
    if pairs.tested == pairs.all:
        return f", all {pairs.all} connections between them tried"
    why = ", a sample" if pairs.sampled else ""
    return f", {pairs.tested} of {pairs.all} connections between them tried{why}"


def _next(found: Diagnosis, options: DoctorOptions) -> Iterator[str]:
    if found.ok:
        yield f"  next  {command_line('deploy', options)}"
