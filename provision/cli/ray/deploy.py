"""deploy of a Ray cluster: hosts that leave are found and cleared; what to do next is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provision.cli.extension import DeployExtension
from provision.cli.options import CommandOptions, option
from provision.cli.ray import prune
from provision.cli.ray.mtu import show_mtu_differences
from provision.cli.ray.stopped import show_stopped
from provision.cli.request import Request
from provision.invocation import program

if TYPE_CHECKING:
    from provision.model.result import Run


NEXT = (
    ("smoke", "a small job, with a task on every node"),
    ("run SCRIPT.py", "your own Python script, as a job of the cluster"),
    ("status", "hosts, containers and nodes on one screen"),
    ("dashboard", "Ray's dashboard in your browser"),
    ("env", "what Ray's own programs need on this machine"),
)
"""The commands for a cluster that is up, in the order in which a person wants them."""
METRICS = "Prometheus, Grafana, and whether all is measured"


@dataclass(frozen=True)
class RayDeploy(DeployExtension):
    """The part of a deploy that knows Ray."""

    prune: bool = option(
        default=False, text="also drain and clear hosts that have left the inventory"
    )

    def check(self, options: CommandOptions) -> None:
        if self.prune:
            prune.check_options(options)

    def before(self, request: Request) -> int:
        return prune.prune(request) if self.prune else 0

    def planned(self, run: Run) -> None:
        show_mtu_differences(run)
        show_stopped(run)

    def after(self, request: Request, run: Run) -> None:
        from provision.ray.deploy import record_hosts
        from provision.ray.head import PLAYBOOK

        show_mtu_differences(run)
        show_stopped(run)
        if request.options.playbook == PLAYBOOK:
            record_hosts(request.inventory, run)
            if not self.prune:
                prune.show_left(request.inventory, run)
        if run.exit_code == 0:
            _show_next(request, run)


def _show_next(request: Request, run: Run) -> None:
    """After a deploy of Ray, show what is up and what to type next."""
    kinds = {step.kind for host in run.hosts.values() for step in host.steps}
    if "ray_nodes" not in kinds:
        return
    from provision.ray.head import dashboard, head_steps, node_names
    from provision.ray.stopped.stopped import stopped_in
    from provision.ray.token_rotation import token_place
    from provision.report.console import output
    from provision.report.text import counted

    inventory, show = request.inventory, output().show
    playbook = request.options.playbook
    found = dashboard(inventory, head_steps(inventory, playbook, request.sets))
    if not found:
        return
    stopped = len(stopped_in(run))
    number = len(node_names(inventory)) - stopped
    if not number:
        return
    nodes = counted(number, "node")
    nodes += f", {stopped} stopped on purpose" if stopped else ""
    show("", f"Ray cluster {inventory.cluster} is up: {nodes}")
    show(f"  dashboard  {found.url}")
    show(f"  token      in {token_place(inventory)}")
    metrics = "prometheus_targets" in kinds
    commands = [f"{program()} {command:<13}  {what}" for command, what in NEXT]
    commands += [f"{program()} {'metrics':<13}  {METRICS}"] if metrics else []
    first, *others = commands
    show(f"  next       {first}", *(f"             {one}" for one in others))
