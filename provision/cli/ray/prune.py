"""deploy --prune: hosts that have left the inventory, drained and cleared away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provision.cli.options import CommandOptions, inventory_path
from provision.errors import OptionError
from provision.invocation import program

if TYPE_CHECKING:
    from provision.config.inventory import Inventory
    from provision.model.result import Run

PLAYBOOK = "prune"
DEPLOY = "deploy"


def check(given: CommandOptions) -> None:
    """Refuse what would hide hosts from a prune.

    Raises:
        OptionError: it is about a part only.
    """
    for option in ("limit", "tags"):
        if getattr(given, option):
            raise OptionError(
                f"--prune looks at the whole inventory, --{option} at a part of it",
                hint="use one of the two",
            )
    if given.playbook != DEPLOY:
        raise OptionError(
            "--prune takes away what the playbook deploy brings, not another one",
            hint="leave --playbook out",
        )


def keep(given: CommandOptions, run: Run, inventory: Inventory) -> None:
    """Remember the hosts that *run* reached; say which have left, unless they go now."""
    from provision.ray import deployed_hosts
    from provision.report.console import output
    from provision.report.text import listed

    if given.playbook != DEPLOY:
        return
    reached = [name for name, host in run.hosts.items() if host.ok + host.changed]
    deployed_hosts.remember(inventory, reached)
    if not given.prune and (gone := deployed_hosts.left(inventory)):
        names = listed([*gone.groups[deployed_hosts.LEFT]])
        output().tell(
            f"left the inventory, and untouched: {names}; "
            f"`{program()} deploy --prune` clears them"
        )


def prune(verb: str, given: CommandOptions) -> int:
    """Clear the hosts that have left; the exit code.

    It comes before the deploy, which may close the cluster's ports to them: then they
    could not be drained any more. So what is wrong with the inventory must be found here.

    Raises:
        InputErrors: the deploy would be refused; no host was contacted.
    """
    from provision import api
    from provision.cli.ray.shared_hosts import sparing
    from provision.config.inventory import load
    from provision.ray import deployed_hosts
    from provision.ray.status import head_steps
    from provision.report.console import ConsoleReporter, output
    from provision.report.text import listed

    console, inventory = output(), load(inventory_path(given)[0])
    gone = deployed_hosts.left(inventory)
    if not gone:
        console.tell("prune: no host has left the inventory")
        return 0
    list(head_steps(inventory, DEPLOY, given.for_api()["sets"]))
    names = gone.groups[deployed_hosts.LEFT]
    console.tell(f"prune: {listed([*names])} left the inventory")
    options = sparing(given, gone, names).for_api()
    options["reporters"] = [ConsoleReporter(console, verbose=given.verbose)]
    run: Run = getattr(api, verb)(gone, PLAYBOOK, **options)
    if verb == "apply":
        bad = [n for n in names if n in run.errors or run.hosts[n].blocked]
        deployed_hosts.forget(inventory, [n for n in names if n not in bad])
        if bad:
            console.tell(
                f"not cleared, and still remembered: {listed(bad)}; the next "
                f"`{program()} deploy --prune` tries again"
            )
    console.tell("")
    return run.exit_code
