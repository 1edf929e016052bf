"""deploy --prune: hosts that have left the inventory, drained and cleared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provision.cli.options import CommandOptions
from provision.cli.request import Request
from provision.errors import OptionError
from provision.invocation import program

if TYPE_CHECKING:
    from provision.config.inventory import Inventory
    from provision.model.result import Run


def check_options(options: CommandOptions) -> None:
    """Refuse options that hide hosts from a prune.

    Raises:
        OptionError: there is one.
    """
    from provision.ray.head import PLAYBOOK

    for name in ("limit", "tags"):
        if getattr(options, name):
            raise OptionError(
                f"--prune works on the whole inventory, --{name} on a part of it",
                hint="use one of the two",
            )
    if options.playbook != PLAYBOOK:
        raise OptionError(
            "--prune removes what the playbook deploy installs, not what another one does",
            hint="leave --playbook out",
        )


def show_left(inventory: Inventory, run: Run) -> None:
    """Show which hosts have left the inventory, by the record and by the nodes of *run*."""
    from provision.ray import deployed_hosts
    from provision.ray.steps.nodes import RayNodes, unwanted
    from provision.report.console import output
    from provision.report.text import listed

    members = [
        address
        for host in run.hosts.values()
        for step in host.steps
        if step.kind == RayNodes.kind
        for address in unwanted(step.observed)
    ]
    if former := deployed_hosts.left(inventory, members):
        names = listed([*former.groups[deployed_hosts.LEFT]])
        output().show(
            f"left the inventory, and untouched: {names}; "
            f"`{program()} deploy --prune` clears them"
        )


def prune(request: Request) -> int:
    """Clear the hosts that have left, or plan it; return the exit code.

    Raises:
        InputErrors: the deploy would be refused; no host was contacted.
        HostError: the head could not be asked which nodes Ray has.
    """
    from provision import api
    from provision.report.console import ConsoleReporter, output
    from provision.report.text import listed

    console, options = output(), request.options
    found = api.find_prune(request.inventory, **request.cluster_options())
    if not found:
        console.show("prune: no host has left the inventory")
        return 0
    console.show(f"prune: {listed([*found.hosts])} left the inventory")
    reporters = [ConsoleReporter(console, verbose=options.verbose)]
    run = found.plan(reporters) if options.check else found.apply(reporters)
    if not options.check and (remaining := found.remaining(run)):
        console.show(
            f"not cleared: {listed(remaining)}; when they can be reached, "
            f"`{program()} deploy --prune` tries again"
        )
    console.show("")
    return run.exit_code
