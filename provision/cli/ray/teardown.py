"""teardown: remove a cluster, after a confirmation."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provision.cli.command import INTERRUPTED, command_of
from provision.cli.options import DISPLAY, SELECTION, CommandOptions, option
from provision.cli.request import resolve
from provision.errors import OptionError

if TYPE_CHECKING:
    from provision.model.result import Run

OPTIONS = [name for name in SELECTION if name != "tags"]


@dataclass(frozen=True, slots=True)
class TeardownOptions(CommandOptions):
    """The options of `teardown`."""

    level: str = option(
        "data",
        "how much to remove: data, images (data and Ray's image), or engine (Docker, too)",
    )
    keep_data: bool = option(default=False, text="keep what Prometheus has stored")


@command_of(TeardownOptions, *OPTIONS, "check", *DISPLAY, "level", "keep_data", "yes")
def teardown(options: TeardownOptions) -> int:
    """Remove the cluster; asks first, unless --yes."""
    from provision import api
    from provision.ray.teardown import check_level

    check_level(options.level)
    request = resolve(options)
    job = api.prepare_teardown(
        request.inventory,
        level=options.level,
        keep_data=options.keep_data,
        limit=options.limit,
        **request.cluster_options(),
    )
    if options.check or not options.yes:
        planned = job.plan(request.reporters())
        if options.check or not planned.planned or job.is_refused(planned):
            return _nothing_to_do(planned)
        if not _confirmed(planned):
            return INTERRUPTED
    return job.apply(request.reporters()).exit_code


def _nothing_to_do(planned: Run) -> int:
    from provision.report.console import output

    if planned.exit_code == 0:
        output().show("nothing to tear down, 0 changed")
    return planned.exit_code


def _confirmed(planned: Run) -> bool:
    """Ask the person at the terminal.

    Raises:
        OptionError: there is no terminal.
    """
    from provision.report.console import output
    from provision.report.text import listed

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise OptionError(
            "nothing was removed: teardown asks for confirmation first, and there is no "
            "terminal to prompt on",
            hint="add --yes",
        )
    hosts = [name for name, host in planned.hosts.items() if host.planned]
    output().show(f"This removes all of the above from {listed(hosts)}.")
    try:
        answer = input("Type yes to go on: ")
    except EOFError:
        answer = ""
    confirmed = answer.strip().lower() in {"y", "yes"}
    if not confirmed:
        output().show("nothing was removed")
    return confirmed
