"""The removal of a cluster from its hosts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Unpack

from provision.config.inventory import Inventory
from provision.engine.run import (
    ClusterOptions,
    Hosts,
    RunOptions,
    apply,
    load_inventory,
    plan,
)
from provision.errors import OptionError, RefusedError
from provision.model.result import Run
from provision.ray import deployed_hosts
from provision.ray.other_clusters import exclude_shared_hosts
from provision.report.reporters import Reporter

PLAYBOOK = "teardown"
LEVELS = {
    "data": ("cluster",),
    "images": ("cluster", "images"),
    "engine": ("cluster", "images", "engine"),
}
"""Tags of the playbook, by how much is removed."""


@dataclass(frozen=True)
class Teardown:
    """A teardown that can be planned and applied.

    Attributes:
        inventory: the cluster.
        options: of both runs.
        may_be_refused: whether a host has to be asked first.
    """

    inventory: Inventory
    options: RunOptions
    may_be_refused: bool = False

    def plan(self, reporters: Sequence[Reporter] = ()) -> Run:
        """Return what the teardown would remove."""
        options: RunOptions = {**self.options, "reporters": reporters}
        return plan(self.inventory, PLAYBOOK, **options)

    @staticmethod
    def is_refused(planned: Run) -> bool:
        """Return whether a host refuses a step of a plan, and not only cannot be asked."""
        steps = [step for host in planned.hosts.values() for step in host.steps]
        return any(isinstance(step.error, RefusedError) for step in steps)

    def apply(self, reporters: Sequence[Reporter] = ()) -> Run:
        """Remove the cluster; forget its hosts when all went well.

        Nothing is touched where a host will refuse a part of it: what is returned is
        the plan, with the reason.

        Raises:
            LockHeldError: another run is changing this cluster.
        """
        if self.may_be_refused and self.is_refused(self.plan()):
            return self.plan(reporters)
        options: RunOptions = {**self.options, "reporters": reporters}
        run = apply(self.inventory, PLAYBOOK, **options)
        if run.exit_code == 0:
            deployed_hosts.forget(self.inventory, run.hosts)
        return run


def check_level(level: str) -> None:
    """Check that *level* is one of LEVELS.

    Raises:
        OptionError: it is not.
    """
    if level not in LEVELS:
        raise OptionError(
            f"--level {level}: there is no such level",
            hint=f"one of {', '.join(LEVELS)}",
        )


def prepare_teardown(
    inventory: Hosts,
    *,
    level: str = "data",
    keep_data: bool = False,
    limit: str = "",
    **options: Unpack[ClusterOptions],
) -> Teardown:
    """Prepare a teardown; hosts are asked which other clusters they belong to.

    Args:
        inventory: the cluster.
        level: `data`; `images` also removes Ray's image, `engine` also Docker.
        keep_data: keep what Prometheus has stored.
        limit: a pattern; only these hosts are worked on.
        options: as `apply` takes them.

    Raises:
        InputErrors: all that is wrong with the input.
    """
    check_level(level)
    cluster = load_inventory(inventory, options)
    sets = {**options.get("sets", {}), **({"keep_data": True} if keep_data else {})}
    cluster, sets = exclude_shared_hosts(cluster, cluster.hosts, sets)
    tags = LEVELS[level]
    run: RunOptions = {
        **options,
        "sets": sets,
        "limit": limit,
        "tags": tags,
        "diff": False,
    }
    return Teardown(cluster, run, may_be_refused="engine" in tags)


def teardown(
    inventory: Hosts,
    *,
    level: str = "data",
    keep_data: bool = False,
    limit: str = "",
    **options: Unpack[ClusterOptions],
) -> Run:
    """Remove a cluster from its hosts, without asking; see `prepare_teardown`.

    Raises:
        InputErrors: all that is wrong with the input.
        LockHeldError: another run is changing this cluster.
    """
    prepared = prepare_teardown(
        inventory, level=level, keep_data=keep_data, limit=limit, **options
    )
    return prepared.apply(options.get("reporters", ()))
