"""deploy, plan, verify: a playbook on the hosts of an inventory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provision.cli.command import command
from provision.cli.options import CommandOptions, inventory_path
from provision.cli.playbook_run import DIFFERS, SHOW, WHERE, perform, typed
from provision.invocation import program

if TYPE_CHECKING:
    from provision.config.inventory import Inventory
    from provision.model.result import Run


@command(*WHERE, "check", *SHOW, "playbook", "prune")
def deploy(given: CommandOptions) -> int:
    """Bring the hosts to what the playbook says."""
    from provision.cli.ray import prune

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
        from provision.config.inventory import load

        inventory = load(inventory_path(given)[0])
        prune.keep(given, run, inventory)
        if run.exit_code == 0:
            _whats_next(inventory, run)
    return run.exit_code or cleared


@command(*WHERE, *SHOW, "playbook")
def plan(given: CommandOptions) -> int:
    """Say what deploy would change; exit 3 if anything."""
    return _plan(given)


@command(*WHERE, *SHOW, "playbook")
def verify(given: CommandOptions) -> int:
    """See that hosts are as described; exit 3 if not."""
    return perform("verify", given, given.playbook).exit_code


def _plan(given: CommandOptions) -> int:
    then = typed("deploy", given)
    return perform("plan", given, given.playbook, then=then).exit_code


def _is_ray(run: Run) -> bool:
    """Whether *run* was about a cluster of Ray."""
    return any(step.kind == "ray_nodes" for row in run.steps.values() for step in row)


def _whats_next(inventory: Inventory, run: Run) -> None:
    """Say what is up and what to type next, after a deploy of Ray."""
    from provision.ray.status import entrance
    from provision.report.console import output
    from provision.report.text import counted

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
