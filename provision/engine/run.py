"""Plan, apply and verify: a playbook on the hosts of an inventory, in two parts.

`prepare` reads everything there is on this machine, so that what is wrong with it is
found before a host is contacted; `Prepared.run` then works on the hosts.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

from provision.config import inventory as inventories
from provision.config import playbook as playbooks
from provision.config.inventory import Inventory
from provision.config.playbook import Bound, Play, Playbook
from provision.engine.change_control.audit import Audit
from provision.engine.interrupt import interruptible
from provision.engine.run_id import UnfinishedRun, find_run_id
from provision.engine.runner import execute
from provision.errors import LockHeldError
from provision.model.mode import Mode
from provision.model.result import Run
from provision.model.step import Step
from provision.report.reporters import Reporter, Reporters
from provision.secrets.credentials import Credentials
from provision.secrets.redaction import redactor
from provision.secrets.store import SecretMode, Secrets
from provision.transport.connect import check_ssh_settings

FORKS = 100
"""Hosts worked on at a time by default."""

Hosts = str | Path | Sequence[str | Path] | Inventory
"""A path, a name in `inventories/`, several of them, or an Inventory."""
Book = str | Path | Playbook | Sequence[Play]
"""A path, a name in `playbooks/`, a Playbook, or its plays."""


class ClusterOptions(TypedDict, total=False):
    """Options of what works on a whole cluster.

    Attributes:
        sets: variables that win over those of playbook and inventory.
        forks: hosts worked on at a time.
        reporters: each takes every event.
        credentials: passwords of encrypted values and of sudo; without them, those of the
            environment, or of the person at the terminal.
    """

    sets: Mapping[str, Any]
    forks: int
    reporters: Sequence[Reporter]
    credentials: Credentials


class RunOptions(ClusterOptions, total=False):
    """Options of `plan`, `apply` and `verify`.

    Attributes:
        limit: a pattern; only these hosts are worked on.
        tags: only steps with one of these tags (or of a play with one).
        diff: report how texts differ that are replaced, never those of secrets.
    """

    limit: str
    tags: Collection[str]
    diff: bool


def plan(inventory: Hosts, playbook: Book, **options: Unpack[RunOptions]) -> Run:
    """Probe the hosts and return what `apply` would change; change nothing.

    Returns:
        What was observed; `planned` counts the steps that differ.

    Raises:
        InputErrors: see `apply`.
    """
    return _run(Mode.PLAN, inventory, playbook, options)


def apply(inventory: Hosts, playbook: Book, **options: Unpack[RunOptions]) -> Run:
    """Bring the hosts to what the playbook describes, and verify that they are.

    Returns:
        What happened, by host. A host that failed is in it; nothing is raised for it.

    Raises:
        InputErrors: all that is wrong with the input; no host was contacted.
        LockHeldError: another run is changing this cluster.
    """
    return _run(Mode.APPLY, inventory, playbook, options)


def verify(inventory: Hosts, playbook: Book, **options: Unpack[RunOptions]) -> Run:
    """Probe the hosts and return what differs, as `plan` does.

    Returns:
        What was observed; `exit_code` is 3 when something differs.

    Raises:
        InputErrors: see `apply`.
    """
    return _run(Mode.VERIFY, inventory, playbook, options)


def _run(mode: Mode, hosts: Hosts, book: Book, options: RunOptions) -> Run:
    return prepare(mode, hosts, book, options).run(options)


@dataclass(frozen=True)
class Prepared:
    """A run of which everything on this machine is read; no play has begun.

    Attributes:
        mode: plan, apply or verify.
        inventory: the hosts.
        bound: the steps of each host.
        secrets: the secrets that the steps use.
        run_id: names the run on what it makes.
        playbook: its name; "" = it was made in Python.
    """

    mode: Mode
    inventory: Inventory
    bound: Bound
    secrets: Secrets
    run_id: str
    playbook: str = ""

    def run(self, options: RunOptions) -> Run:
        """Work on the hosts; see `apply`.

        Raises:
            LockHeldError: another run is changing this cluster.
        """
        unfinished = UnfinishedRun(self.inventory.state_dir, self.run_id, self._steps())
        reporters = Reporters([unfinished, *options.get("reporters", ())])
        result = reporters.result
        try:
            self._execute(reporters, options)
        except LockHeldError:
            # The run that holds the lock may be bringing its own to the hosts.
            if not result.touched:
                self.secrets.discard_new()
            raise
        part = options.get("limit") or options.get("tags")
        if self.mode is Mode.APPLY and not part and result.exit_code == 0:
            unfinished.finish()
        return result

    def _steps(self) -> Iterator[Step]:
        """Yield the steps of all hosts."""
        for play in self.bound.plays:
            for row in play.steps.values():
                yield from (item.step for item in row)

    def _execute(self, reporters: Reporters, options: RunOptions) -> None:
        """Report each event, without secrets, to *reporters*."""
        redact = redactor(self.bound.secrets)
        with reporters, interruptible() as interrupted:
            execute(
                self.bound,
                self.inventory,
                mode=self.mode,
                forks=options.get("forks", FORKS),
                diff=options.get("diff", False),
                report=lambda event: reporters(redact(event)),
                interrupted=interrupted,
                audit=Audit(
                    self.inventory.cluster, self.bound.secrets, playbook=self.playbook
                ),
                outcome=lambda: reporters.result.exit_code,
            )


def prepare(mode: Mode, hosts: Hosts, book: Book, options: RunOptions) -> Prepared:
    """Load and bind what a run needs; secrets that are missing here are recovered.

    Raises:
        InputErrors: all that is wrong with the input.
        ConnectError: the cluster's secrets cannot be recovered from its host.
    """
    inventory = load_inventory(hosts, options)
    run_id = find_run_id(inventory.state_dir)
    playbook = _playbook(book, inventory.credentials)
    bound, secrets = _bound(mode, inventory, playbook, run_id, options)
    worked_on = {name for play in bound.plays for name in play.steps}
    check_ssh_settings(bound.hosts[name] for name in sorted(worked_on))
    name = Path(book).stem if isinstance(book, str | Path) else ""
    return Prepared(mode, inventory, bound, secrets, run_id, name)


def _bound(
    mode: Mode,
    inventory: Inventory,
    book: Playbook,
    run_id: str,
    options: RunOptions,
) -> tuple[Bound, Secrets]:
    """The steps, with secrets that are this machine's, or the cluster's, or new."""
    folder, credentials = inventory.state_dir, inventory.credentials
    sets, keep = options.get("sets", {}), mode is Mode.APPLY

    bind = functools.partial(
        playbooks.bind,
        book,
        inventory,
        sets=sets,
        tags=options.get("tags", ()),
        limit=options.get("limit", ""),
        run=run_id,
    )
    here = Secrets(folder, SecretMode.READ, credentials)
    bound = bind(secrets=here)
    if not here.missing:
        return bound, here
    from provision.engine.secret_recovery import recover

    found = recover(book, inventory, here.missing, sets=sets, keep=keep)
    then = SecretMode.GENERATE if keep else SecretMode.READ
    secrets = Secrets(folder, then, credentials, recovered=found.values)
    bound = bind(secrets=secrets)
    return replace(bound, warnings=(*found.warnings, *bound.warnings)), secrets


def load_inventory(hosts: Hosts, options: ClusterOptions) -> Inventory:
    """Return the inventory, with the credentials that *options* have.

    Raises:
        InputErrors: all that is wrong with the inventory.
    """
    credentials = options.get("credentials")
    if not isinstance(hosts, Inventory):
        named = [hosts] if isinstance(hosts, str | Path) else hosts
        found = [inventories.find(str(name)) for name in named]
        hosts = inventories.load(found, credentials)
    return hosts.with_credentials(credentials or hosts.credentials)


def _playbook(book: Book, credentials: Credentials) -> Playbook:
    if isinstance(book, Playbook):
        return book
    if isinstance(book, str | Path):
        return playbooks.load(playbooks.find(str(book)), credentials)
    return Playbook(plays=tuple(book))
