"""Back to the containers that the last deploy of Ray replaced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Unpack

from provision.config.inventory import Inventory
from provision.engine.run import (
    FORKS,
    ClusterOptions,
    Hosts,
    RunOptions,
    apply,
    load_inventory,
    plan,
)
from provision.model.change import State
from provision.model.result import Run
from provision.ray.head import PLAYBOOK as DEPLOY
from provision.ray.steps.rollback import latest
from provision.report.reporters import Reporter

PLAYBOOK = "rollback"
KINDS = ("ray_previous", "ray_previous_process")


@dataclass(frozen=True)
class Rollback:
    """A rollback that can be planned and applied.

    Attributes:
        inventory: the cluster.
        options: of both runs.
        probed: the run that probed the hosts. When it has errors, the last deploy is not
            known: a host that could not be probed may be one of those it changed.
        run_id: the deploy to undo; "" = there is none.
    """

    inventory: Inventory
    options: RunOptions
    probed: Run
    run_id: str

    @property
    def possible(self) -> bool:
        """True if a host has a container to go back to."""
        return any(can_undo(state, self.run_id) for state in _states(self.probed))

    def plan(self, reporters: Sequence[Reporter] = ()) -> Run:
        """Return what the rollback would change."""
        return plan(self.inventory, PLAYBOOK, **self._with(reporters))

    def apply(self, reporters: Sequence[Reporter] = ()) -> Run:
        """Go back to the former containers.

        Raises:
            LockHeldError: another run is changing this cluster.
        """
        return apply(self.inventory, PLAYBOOK, **self._with(reporters))

    def next_plan(self) -> Run:
        """Return what the next deploy of the inventory as it is would change.

        The variables that were set for this command count only for it.
        """
        return plan(self.inventory, DEPLOY, forks=self.options.get("forks", FORKS))

    def _with(self, reporters: Sequence[Reporter]) -> RunOptions:
        sets = {**self.options.get("sets", {}), "back_from": self.run_id}
        return {**self.options, "sets": sets, "reporters": reporters}


def find_rollback(
    inventory: Hosts, *, limit: str = "", **options: Unpack[ClusterOptions]
) -> Rollback:
    """Probe the hosts for the deploy that replaced a container last.

    Args:
        inventory: the cluster.
        limit: a pattern; only these hosts are worked on.
        options: as `apply` takes them.

    Raises:
        InputErrors: all that is wrong with the input; no host was contacted.
    """
    cluster = load_inventory(inventory, options)
    run: RunOptions = {
        **options,
        "limit": limit,
        "tags": (),
        "diff": False,
        "reporters": (),
    }
    probed = plan(cluster, PLAYBOOK, **run)
    return Rollback(cluster, run, probed, latest(iter(_states(probed))))


def rollback(
    inventory: Hosts, *, limit: str = "", **options: Unpack[ClusterOptions]
) -> Run | None:
    """Go back to the containers that the last deploy replaced.

    Returns:
        What happened; None: there is nothing to go back to. When a host cannot be probed,
        nothing is changed, and its error is in what is returned.

    Raises:
        InputErrors: all that is wrong with the input; no host was contacted.
        LockHeldError: another run is changing this cluster.
    """
    found = find_rollback(inventory, limit=limit, **options)
    if found.probed.errors:
        return found.probed
    return found.apply(options.get("reporters", ())) if found.possible else None


def can_undo(state: State, run_id: str) -> bool:
    """True if a host in *state* has something that the deploy *run_id* replaced.

    A rollback that was cut off goes on: it has removed the new container, or put the
    former one back and not started it.
    """
    former = any(field.startswith("then.") for field in state)
    not_started = state.get("now.restart") == "no"
    return not_started or (former and state.get("now.run", run_id) == run_id)


def _states(run: Run) -> list[State]:
    hosts = run.hosts.values()
    return [s.observed for host in hosts for s in host.steps if s.kind in KINDS]
