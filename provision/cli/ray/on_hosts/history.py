"""history: the runs that changed a cluster, as its hosts have them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from provision.cli.command import command_of
from provision.cli.options import PASSWORDS, positive
from provision.cli.ray.on_hosts.exec import print_json, show_errors
from provision.cli.ray.on_hosts.options import HostOptions
from provision.cli.request import resolve

if TYPE_CHECKING:
    from provision.engine.history.entries import Entry
    from provision.engine.history.runs import PastRun
    from provision.ray.on_hosts.history import History

CHOICE = ("inventory", "limit", "run", "since", "last", "json", "forks", *PASSWORDS)
SHOWN = 20


@command_of(HostOptions, *CHOICE, read_only=True)
def history(options: HostOptions) -> int:
    """Show the runs that changed the cluster: who, from where, when, what, exit code.

    By the journals of the hosts, so it is the same from any machine. A run that changed
    nothing is in no journal. Times are UTC, by the clocks of the hosts.

        invoke history
        invoke history --since 7d --limit node2
        invoke history --run 1f3a
    """
    from provision import api

    request = resolve(options, quiet=options.json)
    last = positive("--last", options.last) if options.last else SHOWN
    found = api.history(
        request.inventory,
        limit=options.limit,
        since=options.since,
        forks=request.forks,
    )
    if options.run and found.answers.errors:
        show_errors(found.answers)  # before that a run may be on one of them
    one = found.run(options.run) if options.run else None
    shown = [one] if one else [*found.runs[-last:]]
    if options.json:
        print_json(_document(found, shown))
    elif one:
        _show_changes(one)
    else:
        _show_runs(found, shown)
    if not (options.run and found.answers.errors):
        show_errors(found.answers)
    return found.answers.exit_code


def _document(found: History, shown: Sequence[PastRun]) -> dict[str, Any]:
    answers = found.answers
    errors = {host: error.message for host, error in answers.errors.items()}
    errors |= dict.fromkeys(answers.unfinished, "interrupted")
    return {
        "cluster": found.cluster,
        "runs": [run.as_dict() for run in shown],
        "oldest": {host: one.oldest for host, one in answers.values.items()},
        "errors": errors,
    }


def _show_runs(found: History, shown: Sequence[PastRun]) -> None:
    from rich.table import Table

    from provision.report.console import output
    from provision.report.text import counted, escape

    console = output()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("run", "began", "by", "from", "playbook", "changes", "exit"):
        table.add_column(heading, overflow="fold")
    for run in shown:
        what = f"{len(run.changes)} on {counted(len(run.hosts), 'host')}"
        origins = ", ".join(run.origins) or "-"
        cells = (run.by, origins, run.playbook or "-", what, ended(run))
        table.add_row(run.id, utc(run.began), *map(escape, cells))
    if shown:
        console.print(table)
    elif found.answers.values:
        console.show(f"no journal has a run of cluster {escape(found.cluster)}")
    if hidden := len(found.runs) - len(shown):
        console.show(f"{counted(hidden, 'earlier run')}: --last {len(found.runs)}")
    console.show(*_oldest(found))


def _oldest(found: History) -> list[str]:
    """Lines about how far back the journals go, hosts of one time together."""
    from provision.report.text import listed

    times: dict[str, list[str]] = {}
    for host, journal in found.answers.values.items():
        known = "an unknown time" if journal.oldest is None else utc(journal.oldest)
        times.setdefault(known, []).append(host)
    return [f"journal since {known}: {listed(hosts)}" for known, hosts in times.items()]


def _show_changes(run: PastRun) -> None:
    from provision.report.console import output
    from provision.report.text import counted, escape

    console = output()
    about = {
        "by": run.by,
        "from": ", ".join(run.origins) or "-",
        "playbook": run.playbook or "-",
        "began": utc(run.began),
        "last": utc(run.last),
        "exit": ended(run),
    }
    console.show(f"run {run.id}: {counted(len(run.changes), 'change')}")
    console.show(*(f"  {name:<9} {escape(text)}" for name, text in about.items()))
    console.show("", *(escape(_line(one, run)) for one in run.changes))


def _line(one: Entry, run: PastRun) -> str:
    width = max(map(len, run.hosts))
    return f"{utc(one.time)}  {one.host:{width}}  {one.change}: {', '.join(one.fields)}"


def ended(run: PastRun) -> str:
    """Return how *run* ended, in words."""
    return "no end noted" if run.exit is None else str(run.exit)


def utc(seconds: int) -> str:
    """Return a time of a host's clock."""
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(seconds))
