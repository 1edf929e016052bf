"""The three verbs as functions: plan, apply, verify."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

from pydantic import SecretStr

from provision.config import inventory as inventories
from provision.config import playbook as playbooks
from provision.config.inventory import Inventory
from provision.config.playbook import Bound, Play, Playbook
from provision.engine.interrupt import interruptible
from provision.engine.run_id import Unfinished, name_of_run
from provision.engine.runner import execute
from provision.errors import LockHeldError
from provision.model.events import Event
from provision.model.result import Run
from provision.secrets.redaction import redactor
from provision.secrets.store import Secrets

FORKS = 100
"""Hosts worked on at a time, unless told otherwise."""

Reporter = Callable[[Event], object]
"""Takes each event of a run; one that is a context manager is entered for the run."""
Hosts = str | Path | Inventory
"""A path, a name in `inventories/`, or an Inventory."""
Book = str | Path | Playbook | Sequence[Play]
"""A path, a name in `playbooks/`, a Playbook, or its plays."""


class RunOptions(TypedDict, total=False):
    """What each verb takes besides hosts and playbook.

    Attributes:
        limit: a pattern; only these hosts are worked on.
        tags: only steps with one of these tags (or of a play with one).
        sets: variables that win over those of playbook and inventory.
        forks: hosts worked on at a time.
        reporters: each takes every event.
        become_password: for sudo, on hosts whose inventory has none.
    """

    limit: str
    tags: Collection[str]
    sets: Mapping[str, Any]
    forks: int
    reporters: Sequence[Reporter]
    become_password: SecretStr


def plan(inventory: Hosts, playbook: Book, **options: Unpack[RunOptions]) -> Run:
    """Look at the hosts and say what `apply` would change; change nothing.

    Returns:
        What was seen; `planned` counts the steps that differ.

    Raises:
        InputErrors: see `apply`.
    """
    return _run("plan", inventory, playbook, options)


def apply(inventory: Hosts, playbook: Book, **options: Unpack[RunOptions]) -> Run:
    """Bring the hosts to what the playbook says, and see that they are.

    Returns:
        What happened, by host. A host that failed is in it; nothing is raised for it.

    Raises:
        InputErrors: all that is wrong with the input; no host was contacted.
        LockHeldError: another run is changing this cluster.
    """
    return _run("apply", inventory, playbook, options)


def verify(inventory: Hosts, playbook: Book, **options: Unpack[RunOptions]) -> Run:
    """Look at the hosts and say what differs, as `plan` does.

    Returns:
        What was seen; `exit_code` is 3 when something differs.

    Raises:
        InputErrors: see `apply`.
    """
    return _run("verify", inventory, playbook, options)


def _run(verb: str, hosts: Hosts, book: Book, options: RunOptions) -> Run:
    inventory = _inventory(hosts)
    if password := options.get("become_password"):
        inventory = inventory.with_become_password(password)
    secrets = Secrets(inventory.state_dir, generate=False)
    name = name_of_run(inventory.state_dir)
    bound = _bound(verb, inventory, _playbook(book), secrets, name, options)
    run, redact = Run(), redactor(bound.secrets)
    for play in bound.plays:
        for host, row in play.steps.items():
            run.steps[host] = (*run.steps.get(host, ()), *(item.step for item in row))
    with contextlib.ExitStack() as stack:
        begun = Unfinished(inventory.state_dir, name)
        reporters: list[Reporter] = [run, begun]
        reporters += [_enter(stack, r) for r in options.get("reporters", ())]
        interrupted = stack.enter_context(interruptible())

        def report(event: Event) -> None:
            clean = redact(event)
            for reporter in reporters:
                reporter(clean)

        try:
            execute(
                bound,
                inventory,
                verb=verb,
                forks=options.get("forks", FORKS),
                report=report,
                interrupted=interrupted,
            )
        except LockHeldError:
            # The run that holds the lock may be bringing its own to the hosts.
            if not run.touched:
                secrets.discard_new()
            raise
        part = options.get("limit") or options.get("tags")
        begun.over(run, whole=verb == "apply" and not part)
    return run


def _bound(
    verb: str,
    inventory: Inventory,
    book: Playbook,
    secrets: Secrets,
    run: str,
    options: RunOptions,
) -> Bound:
    """The steps, with secrets that are this machine's, or the cluster's, or new."""
    sets = options.get("sets", {})

    def bind() -> Bound:
        return playbooks.bind(
            book,
            inventory,
            sets=sets,
            tags=options.get("tags", ()),
            limit=options.get("limit", ""),
            secrets=secrets,
            run=run,
        )

    bound = bind()
    if not secrets.missing:
        return bound
    from provision.engine.secret_recovery import adopt

    told = adopt(book, inventory, secrets, sets=sets, keep=verb == "apply")
    secrets.generate = verb == "apply"
    bound = bind()
    return replace(bound, warnings=(*told, *bound.warnings))


def _inventory(hosts: Hosts) -> Inventory:
    if isinstance(hosts, Inventory):
        return hosts
    return inventories.load(inventories.find(str(hosts)))


def _playbook(book: Book) -> Playbook:
    if isinstance(book, Playbook):
        return book
    if isinstance(book, str | Path):
        return playbooks.load(playbooks.find(str(book)))
    return Playbook(plays=tuple(book))


def _enter(stack: contextlib.ExitStack, reporter: Reporter) -> Reporter:
    if isinstance(reporter, contextlib.AbstractContextManager):
        stack.enter_context(reporter)
    return reporter
