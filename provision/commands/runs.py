"""deploy, plan, verify: a playbook on the hosts of an inventory."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from provision.commands.command import command
from provision.commands.options import (
    DEFAULTS,
    PASSWORDS,
    Given,
    inventory_path,
    remember,
)
from provision.program import program

if TYPE_CHECKING:
    from provision.api import Reporter
    from provision.events import Event
    from provision.inventory import Inventory
    from provision.run import Run

WHERE = ("inventory", "limit", "tags", "forks", "set", *PASSWORDS)
SHOW = ("verbose", "report")
DIFFERS = 3


@command(*WHERE, "check", *SHOW, "playbook", "prune")
def deploy(given: Given) -> int:
    """Bring the hosts to what the playbook says."""
    from provision.commands import prune

    if given.prune:
        prune.check(given)
    verb = "plan" if given.check else "apply"
    cleared = prune.prune(verb, given) if given.prune else 0
    if given.check:
        code = _plan(given)
        return cleared or code if code in (0, DIFFERS) else code
    run = perform(verb, given, given.playbook, remembered=True)
    # Once for all that is said and kept afterwards.
    if given.playbook == prune.DEPLOY or _is_ray(run):
        from provision.inventory import load

        inventory = load(inventory_path(given)[0])
        prune.keep(given, run, inventory)
        if run.exit_code == 0:
            _whats_next(inventory, run)
    return run.exit_code or cleared


@command(*WHERE, *SHOW, "playbook")
def plan(given: Given) -> int:
    """Say what deploy would change; exit 3 if anything."""
    return _plan(given)


@command(*WHERE, *SHOW, "playbook")
def verify(given: Given) -> int:
    """See that hosts are as described; exit 3 if not."""
    return perform("verify", given, given.playbook).exit_code


def _plan(given: Given) -> int:
    then = typed("deploy", given)
    return perform("plan", given, given.playbook, then=then).exit_code


def perform(
    verb: str,
    given: Given,
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
    from provision.report.file import ReportFile

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


def typed(name: str, given: Given) -> str:
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
    from provision.events import RunStarted

    def note(event: Event) -> None:
        if isinstance(event, RunStarted):
            remember(path)

    return note


def _is_ray(run: Run) -> bool:
    """Whether *run* was about a cluster of Ray."""
    return any(step.kind == "ray_nodes" for row in run.steps.values() for step in row)


def _whats_next(inventory: Inventory, run: Run) -> None:
    """Say what is up and what to type next, after a deploy of Ray."""
    from provision.report.console import output
    from provision.report.text import counted
    from provision.status import entrance

    door = entrance(inventory, run)
    if not door:
        return
    me, tell = program(), output().tell
    kinds = {step.kind for host in run.hosts.values() for step in host.steps}
    if "ray_nodes" in kinds:
        nodes = {*inventory.groups["head"], *inventory.groups.get("workers", ())}
        tell(
            "", f"Ray cluster {inventory.cluster} is up: {counted(len(nodes), 'node')}"
        )
    tell(f"  dashboard  {door.url}")
    tell(f"  token      in {door.token_file} on {door.head}")
    tell(f"  next       {me} status", f"             {me} smoke")
    if "prometheus_targets" in kinds:
        tell(f"             {me} metrics")
