"""logs: those of Ray and of the programs beside it, of many hosts at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provision.cli.command import command_of
from provision.cli.options import PASSWORDS, positive, words
from provision.cli.ray.on_hosts.exec import print_json, show_errors
from provision.cli.ray.on_hosts.options import HostOptions
from provision.cli.request import resolve

if TYPE_CHECKING:
    from provision.ray.on_hosts.logs import LogLine

CHOICE = (
    "inventory",
    "limit",
    "of",
    "follow",
    "since",
    "lines",
    "json",
    "set",
    "forks",
)
COLORS = ("cyan", "green", "yellow", "magenta", "blue", "bright_red")


@command_of(HostOptions, *CHOICE, *PASSWORDS, read_only=True)
def logs(options: HostOptions) -> int:
    """Show logs of the hosts, each line with the name of its host.

    invoke logs --limit node1
    invoke logs --follow
    invoke logs --of worker,gcs --since 10m
    invoke logs --of docker --limit workers --follow
    """
    from provision import api
    from provision.report.console import output
    from provision.report.text import clean_output, escape

    request, console = resolve(options), output()
    of = words(options.of) or ("ray",)
    names = {*request.inventory.hosts}
    width = max(map(len, names), default=0)
    color = {n: COLORS[i % len(COLORS)] for i, n in enumerate(sorted(names))}

    def take(line: LogLine) -> None:
        if options.json:
            found = {"host": line.host, "of": line.of, "line": line.text}
            print_json(found, indent=None)
            return
        kind = f" {line.of}" if len(of) > 1 else ""
        console.print(
            f"{escape(line.host):{width}}{kind} |", style=color[line.host], end=" "
        )
        console.print(clean_output(line.text), soft_wrap=True)

    results = api.logs(
        request.inventory,
        take,
        limit=options.limit,
        of=of,
        lines=positive("--lines", options.lines) if options.lines else 50,
        since=options.since,
        follow=options.follow,
        sets=request.sets,
        forks=request.forks,
    )
    show_errors(results)
    if results.unfinished and options.follow:
        return 130
    return results.exit_code
