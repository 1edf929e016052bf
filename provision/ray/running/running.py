"""stop, start and restart: the nodes of Ray that a deploy has made, without changing them."""

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
from provision.errors import OptionError
from provision.invocation import runner
from provision.model.result import Run
from provision.ray.head import HEAD, node_names
from provision.report.reporters import Reporter

STOP, START = "stop", "start"
"""The playbooks."""


@dataclass(frozen=True)
class Running:
    """A stop or a start that can be planned and applied.

    Attributes:
        inventory: the cluster.
        playbook: `stop` or `start`.
        hosts: those that are to stop or start.
        options: of both runs.
    """

    inventory: Inventory
    playbook: str
    hosts: tuple[str, ...]
    options: ClusterOptions

    def plan(self, reporters: Sequence[Reporter] = ()) -> Run:
        """Return what it would change."""
        return plan(self.inventory, self.playbook, **self._with(reporters))

    def apply(self, reporters: Sequence[Reporter] = ()) -> Run:
        """Stop or start the hosts.

        Raises:
            LockHeldError: another run is changing this cluster.
        """
        return apply(self.inventory, self.playbook, **self._with(reporters))

    def _with(self, reporters: Sequence[Reporter]) -> RunOptions:
        # The head keeps the notes about stopped workers, so it is worked on in any case.
        heads = self.inventory.groups.get(HEAD, ())
        limit = ",".join(dict.fromkeys([*heads, *self.hosts]))
        sets = dict(self.options.get("sets", {}))
        sets[f"hosts_to_{self.playbook}"] = list(self.hosts)
        if self.playbook == STOP:
            sets["stopped_by"] = runner()
        return {
            **self.options,
            "sets": sets,
            "limit": limit,
            "tags": (),
            "diff": False,
            "reporters": reporters,
        }


def prepare_stop(
    inventory: Hosts, *, limit: str = "", **options: Unpack[ClusterOptions]
) -> Running:
    """Prepare to stop Ray, on purpose: it stays stopped over reboots and deploys.

    Args:
        inventory: the cluster.
        limit: a pattern; only these hosts are stopped.
        options: as `apply` takes them.

    Raises:
        InputErrors: all that is wrong with the input; no host was contacted.
    """
    return _prepare(inventory, STOP, limit, options)


def prepare_start(
    inventory: Hosts, *, limit: str = "", **options: Unpack[ClusterOptions]
) -> Running:
    """Prepare to start what was stopped; see `prepare_stop`."""
    return _prepare(inventory, START, limit, options)


def stop(
    inventory: Hosts, *, limit: str = "", **options: Unpack[ClusterOptions]
) -> Run:
    """Stop Ray on the hosts; see `prepare_stop`.

    Raises:
        InputErrors: all that is wrong with the input; no host was contacted.
        LockHeldError: another run is changing this cluster.
    """
    job = prepare_stop(inventory, limit=limit, **options)
    return job.apply(options.get("reporters", ()))


def start(
    inventory: Hosts, *, limit: str = "", **options: Unpack[ClusterOptions]
) -> Run:
    """Start Ray where it was stopped; see `stop`."""
    job = prepare_start(inventory, limit=limit, **options)
    return job.apply(options.get("reporters", ()))


def restart(
    inventory: Hosts, *, limit: str = "", **options: Unpack[ClusterOptions]
) -> tuple[Run, Run]:
    """Stop the hosts, then start them; return both runs.

    They are started also where not all could be stopped.

    Raises:
        InputErrors: all that is wrong with the input; no host was contacted.
        LockHeldError: another run is changing this cluster.
    """
    stopped = stop(inventory, limit=limit, **options)
    return stopped, start(inventory, limit=limit, **options)


def _prepare(
    inventory: Hosts, playbook: str, limit: str, options: ClusterOptions
) -> Running:
    cluster = load_inventory(inventory, options)
    chosen = cluster.select(limit) if limit else [*cluster.hosts]
    nodes = node_names(cluster)
    hosts = tuple(name for name in chosen if name in nodes)
    if not hosts:
        raise OptionError(
            f"--limit {limit}: it chooses no host that runs Ray"
            if limit
            else "the inventory has no host that runs Ray",
            hint="name hosts of the groups `head` and `workers`",
        )
    return Running(cluster, playbook, hosts, options)
