"""teardown: what deploy made, gone again; it asks before."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from provision.cli.command import INTERRUPTED, command
from provision.cli.options import CommandOptions, inventory_path
from provision.cli.playbook_run import SHOW, WHERE, perform
from provision.errors import OptionError

if TYPE_CHECKING:
    from provision.model.result import Run

PLAYBOOK = "teardown"
LEVELS = {
    "data": ("cluster",),
    "images": ("cluster", "images"),
    "engine": ("cluster", "images", "engine"),
}
"""How much goes: tags of the playbook, by `--level`."""
OPTIONS = [name for name in WHERE if name != "tags"]


@command(*OPTIONS, "check", *SHOW, "level", "keep_data", "yes")
def teardown(given: CommandOptions) -> int:
    """Remove the cluster; asks before, unless --yes."""
    from provision.cli.ray.shared_hosts import sparing
    from provision.config.inventory import load
    from provision.ray import deployed_hosts

    if given.level not in LEVELS:
        raise OptionError(
            f"--level {given.level}: there is no such level",
            hint=f"one of {', '.join(LEVELS)}",
        )
    inventory = load(inventory_path(given)[0])
    given = sparing(given, inventory, inventory.hosts)
    if not given.yes or given.check:
        seen = _perform("plan", given)
        if given.check or not seen.planned:
            return _nothing_goes(seen)
        if not _agreed(seen):
            return INTERRUPTED
    run = _perform("apply", given)
    if run.exit_code == 0:
        deployed_hosts.forget(inventory, run.hosts)
    return run.exit_code


def _perform(verb: str, given: CommandOptions) -> Run:
    if given.keep_data:
        given = replace(given, set=(*given.set, "keep_data=true"))
    return perform(verb, given, PLAYBOOK, tags=LEVELS[given.level])


def _nothing_goes(seen: Run) -> int:
    from provision.report.console import output

    if seen.exit_code == 0:
        output().tell("nothing to tear down, 0 changed")
    return seen.exit_code


def _agreed(seen: Run) -> bool:
    """Whether the person at the terminal wants it gone.

    Raises:
        OptionError: there is nobody to ask.
    """
    from provision.report.console import output
    from provision.report.text import listed

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise OptionError(
            "nothing was touched: teardown asks before it removes anything, and here "
            "is no terminal to ask on",
            hint="add --yes",
        )
    hosts = [name for name, host in seen.hosts.items() if host.planned]
    output().tell(f"This removes all of the above from {listed(hosts)}.")
    try:
        answer = input("Type yes to go on: ")
    except EOFError:
        answer = ""
    agreed = answer.strip().lower() in {"y", "yes"}
    if not agreed:
        output().tell("nothing was touched")
    return agreed
