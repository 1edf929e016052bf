"""deploy, plan, verify: a playbook on the hosts of an inventory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provision.cli.command import command
from provision.cli.options import DISPLAY, SELECTION, CommandOptions, command_line
from provision.cli.request import Request, resolve
from provision.invocation import program

if TYPE_CHECKING:
    from provision.model.result import Run

DIFFERS = 3
RAY = "deploy"
"""The playbook that brings Ray, whose hosts are recorded."""


@command(*SELECTION, "check", *DISPLAY, "playbook", "prune")
def deploy(options: CommandOptions) -> int:
    """Bring the hosts to what the playbook describes."""
    from provision.cli.ray import prune

    if options.prune:
        prune.check_options(options)
    request = resolve(options)
    pruned = prune.prune(request) if options.prune else 0
    if options.check:
        code = _plan(request)
        return pruned or code if code in (0, DIFFERS) else code
    run = _apply(request)
    if run.exit_code == 0:
        _show_next(request, run)
    return run.exit_code or pruned


@command(*SELECTION, *DISPLAY, "playbook")
def plan(options: CommandOptions) -> int:
    """Show what deploy would change; exit 3 if anything."""
    return _plan(resolve(options))


@command(*SELECTION, *DISPLAY, "playbook")
def verify(options: CommandOptions) -> int:
    """Check that the hosts are as described; exit 3 if not."""
    from provision import api

    request = resolve(options)
    choices = request.run_options(request.reporters())
    return api.verify(request.inventory, options.playbook, **choices).exit_code


def _plan(request: Request) -> int:
    from provision import api

    playbook, then = request.options.playbook, command_line("deploy", request.options)
    choices = request.run_options(request.reporters(then=then))
    return api.plan(request.inventory, playbook, **choices).exit_code


def _apply(request: Request) -> Run:
    from provision import api
    from provision.cli.ray import prune

    inventory, playbook = request.inventory, request.options.playbook
    choices = request.run_options(request.reporters(remember=True))
    if playbook != RAY:
        return api.apply(inventory, playbook, **choices)
    run = api.deploy(inventory, **choices)
    if not request.options.prune:
        prune.show_left(inventory)
    return run


def _show_next(request: Request, run: Run) -> None:
    """After a deploy of Ray, show what is up and what to type next."""
    kinds = {step.kind for host in run.hosts.values() for step in host.steps}
    if "ray_nodes" not in kinds:
        return
    from provision.ray.head import dashboard, head_steps, node_names
    from provision.report.console import output
    from provision.report.text import counted

    inventory, show = request.inventory, output().show
    playbook = request.options.playbook
    found = dashboard(inventory, head_steps(inventory, playbook, request.sets))
    if not found:
        return
    nodes = counted(len(node_names(inventory)), "node")
    show("", f"Ray cluster {inventory.cluster} is up: {nodes}")
    show(f"  dashboard  {found.url}")
    show(f"  token      in {found.token_file} on {found.host}")
    show(f"  next       {program()} status", f"             {program()} smoke")
    if "prometheus_targets" in kinds:
        show(f"             {program()} metrics")
