"""Running a playbook for a command, and showing it."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from provision.cli.options import (
    DEFAULTS,
    PASSWORDS,
    CommandOptions,
    inventory_path,
    remember,
)
from provision.invocation import program

if TYPE_CHECKING:
    from provision.api import Reporter
    from provision.config.inventory import Inventory
    from provision.model.events import Event
    from provision.model.result import Run

from provision.cli.options import become_password

WHERE = ("inventory", "limit", "tags", "forks", "set", *PASSWORDS)


SHOW = ("verbose", "report")


DIFFERS = 3


def perform(
    verb: str,
    given: CommandOptions,
    playbook: str,
    *,
    tags: Collection[str] = (),
    then: str = "",
    remembered: bool = False,
) -> Run:
    """Run *playbook* on the inventory, and show it.

    Args:
        verb: plan, apply or verify.
        given: the options.
        playbook: its path or name.
        tags: instead of those given.
        then: the command that does what a plan has found.
        remembered: whether the inventory is the default from now on.
    """
    from provision import api
    from provision.report.console import ConsoleReporter, output
    from provision.report.json_file import ReportFile

    path, chosen = inventory_path(given)
    options = given.for_api()
    if tags:
        options["tags"] = tags
    console = ConsoleReporter(output(), verbose=given.verbose, then=then)
    reporters: list[Reporter] = [console]
    if given.report:
        reporters.append(ReportFile(given.report))
    if remembered:
        reporters.append(_remember(path))
    options["reporters"] = reporters
    if chosen:
        output().tell(f"inventory: {shown(path)} (deployed last)")
    run: Run = getattr(api, verb)(path, playbook, **options)
    return run


def typed(name: str, given: CommandOptions) -> str:
    """The command *name* with the same choices as *given*, as a user types it."""
    typed = [program(), name]
    for option in (*WHERE, "playbook"):
        value, flag = getattr(given, option), f"--{option.replace('_', '-')}"
        if value is True:
            typed.append(flag)
        elif value != DEFAULTS[option]:
            for word in value if isinstance(value, tuple) else (value,):
                typed += [flag, shlex.quote(word)]
    return " ".join(typed)


def shown(path: Path) -> str:
    """*path* as short as the current folder allows."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _remember(path: Path) -> Reporter:
    from provision.model.events import RunStarted

    def note(event: Event) -> None:
        if isinstance(event, RunStarted):
            remember(path)

    return note


def inventory_of(given: CommandOptions) -> Inventory:
    """The inventory, with the password for sudo; says which, if it was not given."""
    from provision.config.inventory import load
    from provision.report.console import output

    path, chosen = inventory_path(given)
    inventory = load(path)
    if chosen:
        output().tell(f"inventory: {shown(path)} (deployed last)")
    password = become_password(given)
    return inventory.with_become_password(password) if password else inventory
