"""node.add, node.remove, node.drain, node.replace: which hosts a cluster has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Unpack

from provision.config import inventory as inventories
from provision.config.inventory import Inventory
from provision.config.inventory.edit import (
    EditedFile,
    groups_of,
    with_host,
    without_host,
)
from provision.engine.run import ClusterOptions, Hosts, apply, load_inventory, plan
from provision.errors import OptionError
from provision.model.result import Run
from provision.ray import deployed_hosts
from provision.ray.deploy import record_hosts
from provision.ray.head import HEAD, PLAYBOOK, WORKERS
from provision.ray.other_clusters import exclude_shared_hosts
from provision.ray.prune import PLAYBOOK as CLEAR
from provision.ray.running.running import Running, prepare_stop
from provision.report.reporters import Reporter

DIFFERS = 3
"""Exit code of a plan with changes."""


@dataclass(frozen=True)
class NodeChange:
    """Hosts that come into a cluster or leave it: planned, and done when `apply` is called.

    Attributes:
        inventory: the cluster as it is.
        options: of all runs.
        adds: the host that comes; "" = none.
        removes: the host that leaves; "" = none.
        groups: those that the new host comes into.
        variables: those of the new host.
        lost: the host that leaves cannot be reached any more, and is not cleared.
    """

    inventory: Inventory
    paths: tuple[Path, ...]
    options: ClusterOptions
    adds: str = ""
    removes: str = ""
    groups: tuple[str, ...] = (WORKERS,)
    variables: Mapping[str, Any] = field(default_factory=dict)
    lost: bool = False

    def diff(self) -> list[str]:
        """Return the lines of the inventory file that come and go.

        Raises:
            InventoryError: the file cannot be edited.
        """
        if not self.adds:
            return without_host(self.paths, self.removes).diff()
        added = self._added()
        if not self.removes:
            return added.diff()
        gone = without_host(self.paths, self.removes, added.after)
        return added.then(gone).diff()

    def present(self) -> frozenset[str]:
        """Return the hosts that the inventory has now."""
        return frozenset(self._loaded().hosts)

    def write(self) -> None:
        """Edit the inventory, and do nothing on the hosts.

        Raises:
            InventoryError: the file cannot be edited.
        """
        if self.adds:
            self._added().write()
        if self.removes:
            without_host(self.paths, self.removes).write()

    def apply(self, reporters: Sequence[Reporter] = ()) -> list[Run]:
        """Edit the inventory, deploy the host that comes, clear the one that leaves.

        A host that comes is looked at first: when it cannot be reached, or refuses, the
        inventory is put back as it was. One that leaves is drained and cleared before it
        goes from the inventory. What remains is deployed at last, so that nothing there
        knows the host that left.

        Returns:
            The runs; the last has an error where the rest was not done.

        Raises:
            InputErrors: the inventory cannot be edited, or what it then says is wrong.
            LockHeldError: another run is changing this cluster.
        """
        runs = [*self._add(reporters)] if self.adds else []
        if self.removes and not any(run.exit_code for run in runs):
            runs += self._remove(reporters)
        return runs

    def _added(self) -> EditedFile:
        return with_host(self.paths, self.adds, self.groups, self.variables)

    def _add(self, reporters: Sequence[Reporter]) -> list[Run]:
        edited = self._added()
        edited.write()
        try:
            cluster = self._loaded()
            options: ClusterOptions = {**self.options, "reporters": reporters}
            seen = plan(cluster, PLAYBOOK, limit=self.adds, **options)
            if seen.exit_code not in (0, DIFFERS):
                edited.put_back()
                return [seen]
        except BaseException:
            edited.put_back()
            raise
        return [self._deploy(cluster, reporters)]

    def _remove(self, reporters: Sequence[Reporter]) -> list[Run]:
        runs = []
        cluster = self._loaded()
        if not self.lost:
            former = _former(cluster, self.removes)
            sets = self.options.get("sets", {})
            former, sets = exclude_shared_hosts(former, [self.removes], sets)
            options: ClusterOptions = {
                **self.options,
                "sets": sets,
                "reporters": reporters,
            }
            run = apply(former, CLEAR, **options)
            runs.append(run)
            if run.exit_code:
                return runs
        without_host(self.paths, self.removes).write()
        deployed_hosts.forget(cluster, [self.removes])
        return [*runs, self._deploy(self._loaded(), reporters)]

    def _loaded(self) -> Inventory:
        credentials = self.inventory.credentials
        found = inventories.load(self.paths, credentials)
        return found.with_credentials(credentials)

    def _deploy(self, cluster: Inventory, reporters: Sequence[Reporter]) -> Run:
        options: ClusterOptions = {**self.options, "reporters": reporters}
        run = apply(cluster, PLAYBOOK, **options)
        record_hosts(cluster, run)
        return run


def prepare_add(
    inventory: Inventory,
    paths: Sequence[Path],
    name: str,
    *,
    groups: Sequence[str] = (WORKERS,),
    variables: Mapping[str, Any] | None = None,
    **options: Unpack[ClusterOptions],
) -> NodeChange:
    """Prepare to bring the host *name* into the cluster.

    Args:
        inventory: the cluster.
        paths: the files it was loaded from.
        name: the host.
        groups: those that it comes into; the first gets its variables.
        variables: its own, such as `ansible_host`.
        options: as `apply` takes them.

    Raises:
        OptionError: it is there already; or a group is not, or is the head's.
        InventoryError: the inventory is generated, or cannot be edited.
    """
    if known := inventory.hosts.get(name):
        at = f" ({known.where})" if known.where else ""
        raise OptionError(
            f"{name} is in the inventory already{at}", hint="`deploy` brings Ray to it"
        )
    for group in groups:
        if group == HEAD:
            problem = "a cluster has one head: another host cannot come into its group"
            raise OptionError(problem, hint="leave --group out: it is then a worker")
        if group not in inventory.groups:
            found = ", ".join(inventory.groups)
            raise OptionError(f"there is no group {group}", hint=f"there are {found}")
    made = NodeChange(
        inventory,
        tuple(paths),
        options,
        adds=name,
        groups=tuple(groups),
        variables=variables or {},
    )
    made.diff()
    return made


def prepare_remove(
    inventory: Inventory,
    paths: Sequence[Path],
    name: str,
    *,
    lost: bool = False,
    **options: Unpack[ClusterOptions],
) -> NodeChange:
    """Prepare to take the worker *name* out of the cluster; see `NodeChange.apply`.

    Raises:
        OptionError: there is no such host, or it is the head.
        InventoryError: the inventory is generated, or cannot be edited.
    """
    check_worker(inventory, name)
    made = NodeChange(inventory, tuple(paths), options, removes=name, lost=lost)
    made.diff()
    return made


def prepare_replace(
    inventory: Inventory,
    paths: Sequence[Path],
    old: str,
    new: str,
    *,
    variables: Mapping[str, Any] | None = None,
    lost: bool = False,
    **options: Unpack[ClusterOptions],
) -> NodeChange:
    """Prepare to put the host *new* into the groups of the worker *old*, which then leaves.

    Raises:
        OptionError: *old* is not there, or is the head; or *new* is there already.
        InventoryError: the inventory is generated, or cannot be edited.
    """
    check_worker(inventory, old)
    groups = groups_of(paths, old)
    added = prepare_add(
        inventory, paths, new, groups=groups, variables=variables, **options
    )
    made = replace(added, removes=old, lost=lost)
    made.diff()
    return made


def prepare_drain(
    inventory: Hosts, name: str, **options: Unpack[ClusterOptions]
) -> Running:
    """Prepare to drain the worker *name* and stop it on purpose: `start` brings it back.

    Raises:
        OptionError: there is no such host, or it is the head.
    """
    cluster = load_inventory(inventory, options)
    check_worker(cluster, name)
    return prepare_stop(cluster, limit=name, **options)


def check_worker(inventory: Inventory, name: str) -> None:
    """Check that *name* is a host of the inventory, and not its head.

    Raises:
        OptionError: it is not.
    """
    if name not in inventory.hosts:
        known = ", ".join(inventory.hosts)
        raise OptionError(
            f"there is no host {name} in the inventory", hint=f"there are {known}"
        )
    if name in inventory.groups.get(HEAD, ()):
        raise OptionError(
            f"{name} is the head: the cluster is nothing without it",
            hint="`teardown` removes the cluster, `stop` stops it",
        )


def _former(inventory: Inventory, name: str) -> Inventory:
    """The cluster as the playbook that clears hosts has it: its head, and *name*."""
    heads = inventory.groups.get(HEAD, ())
    kept = dict.fromkeys([*heads, inventory.lock_host([HEAD]).name, name])
    return replace(
        inventory,
        hosts={one: inventory.hosts[one] for one in kept},
        groups={HEAD: heads, deployed_hosts.LEFT: (name,)},
    )
