"""A deploy of Ray: the playbook, and a record of the hosts it reached."""

from __future__ import annotations

from typing import Unpack

from provision.config.inventory import Inventory
from provision.engine.run import Hosts, RunOptions, apply, load_inventory
from provision.model.result import Run
from provision.ray import deployed_hosts
from provision.ray.head import PLAYBOOK


def deploy(inventory: Hosts, **options: Unpack[RunOptions]) -> Run:
    """Bring Ray to the hosts, and record them, so that `prune` finds those that leave.

    Raises:
        InputErrors: all that is wrong with the input; no host was contacted.
        LockHeldError: another run is changing this cluster.
    """
    cluster = load_inventory(inventory, options)
    run = apply(cluster, PLAYBOOK, **options)
    record_hosts(cluster, run)
    return run


def record_hosts(cluster: Inventory, run: Run) -> None:
    """Record the hosts that a deploy of Ray has reached.

    Raises:
        InventoryError: the record cannot be read or written.
    """
    reached = [name for name, host in run.hosts.items() if host.ok + host.changed]
    deployed_hosts.record(cluster, reached)
