"""Hosts that have left the inventory: drained, and cleared of what a deploy brought."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Unpack

from provision.config.inventory import Inventory
from provision.engine.host.outcome import observe
from provision.engine.run import (
    ClusterOptions,
    Hosts,
    apply,
    load_inventory,
    plan,
)
from provision.model.result import Run
from provision.model.step import Step
from provision.ray import deployed_hosts
from provision.ray.head import PLAYBOOK as DEPLOY
from provision.ray.head import head_of, head_steps
from provision.ray.other_clusters import exclude_shared_hosts
from provision.ray.steps.nodes import RayNodes, unwanted
from provision.report.reporters import Reporter
from provision.transport.query import ask

PLAYBOOK = "prune"
LIMIT_S = 60.0


@dataclass(frozen=True)
class Prune:
    """A prune that can be planned and applied.

    Attributes:
        inventory: the cluster as it is to be.
        former: the head, and the hosts that have left.
        options: of both runs.
    """

    inventory: Inventory
    former: Inventory
    options: ClusterOptions

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that have left."""
        return self.former.groups[deployed_hosts.LEFT]

    def plan(self, reporters: Sequence[Reporter] = ()) -> Run:
        """Return what a prune would change."""
        options: ClusterOptions = {**self.options, "reporters": reporters}
        return plan(self.former, PLAYBOOK, **options)

    def apply(self, reporters: Sequence[Reporter] = ()) -> Run:
        """Clear the hosts, and forget those that were cleared.

        Raises:
            LockHeldError: another run is changing this cluster.
        """
        options: ClusterOptions = {**self.options, "reporters": reporters}
        run = apply(self.former, PLAYBOOK, **options)
        remaining = self.remaining(run)
        cleared = [name for name in self.hosts if name not in remaining]
        deployed_hosts.forget(self.inventory, cleared)
        return run

    def remaining(self, run: Run) -> list[str]:
        """Return the hosts that *run* did not clear; the next prune tries them again."""
        return [n for n in self.hosts if n in run.errors or run.hosts[n].blocked]


def find_prune(inventory: Hosts, **options: Unpack[ClusterOptions]) -> Prune | None:
    """Find the hosts that have left, by the record and by asking Ray; None if none has.

    A prune comes before the deploy, which may close the cluster's ports to these hosts:
    then they could not be drained. So what is wrong with the inventory is found here.

    Raises:
        InputErrors: the deploy would be refused; no host was contacted.
        HostError: the head could not be asked which nodes Ray has.
    """
    cluster = load_inventory(inventory, options)
    sets = options.get("sets", {})
    steps = list(head_steps(cluster, DEPLOY, sets))
    former = deployed_hosts.left(cluster, _members(cluster, steps))
    if not former:
        return None
    former = load_inventory(former, options)
    names = former.groups[deployed_hosts.LEFT]
    former, sets = exclude_shared_hosts(former, names, sets)
    return Prune(cluster, former, {**options, "sets": sets})


def _members(cluster: Inventory, steps: Iterable[Step]) -> dict[str, str]:
    """The nodes that Ray has beside those of *cluster*, by address.

    None where Ray does not answer on the head: then it is not deployed, or a deploy has to
    bring it back.
    """
    for step in steps:
        if isinstance(step, RayNodes):
            reply = ask(head_of(cluster), step.probe(), LIMIT_S)
            return unwanted(observe(step, reply))
    return {}


def prune(inventory: Hosts, **options: Unpack[ClusterOptions]) -> Run | None:
    """Clear the hosts that have left the inventory; None if none has.

    Raises:
        InputErrors: the deploy would be refused; no host was contacted.
        HostError: the head could not be asked which nodes Ray has.
        LockHeldError: another run is changing this cluster.
    """
    found = find_prune(inventory, **options)
    return found.apply(options.get("reporters", ())) if found else None
