"""node.*: hosts that come into a cluster, leave it, or rest; the inventory is edited."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provision.cli.command import INTERRUPTED, command_of
from provision.cli.options import (
    DISPLAY,
    PASSWORDS,
    CommandOptions,
    assignment,
    option,
    words,
)
from provision.cli.request import Request, resolve
from provision.errors import OptionError
from provision.invocation import program

if TYPE_CHECKING:
    from provision.ray.running.membership import NodeChange

OPTIONS = ("inventory", "forks", "set", *PASSWORDS, "check", *DISPLAY)
DIFFERS = 3


@dataclass(frozen=True, slots=True)
class NodeOptions(CommandOptions):
    """The options of `node.*`."""

    host: str = option("", "the host, by its name in the inventory")
    old: str = option("", "the host that leaves")
    new: str = option("", "the host that comes")
    group: str = option("workers", "its group in the inventory, or several: a,b")
    var: tuple[str, ...] = option(
        (), "a variable of the host, such as ansible_host=10.0.0.7; repeatable"
    )
    no_deploy: bool = option(
        default=False,
        text="only change the inventory, such as for a host whose key is not trusted yet",
    )
    lost: bool = option(
        default=False, text="the host is gone for good: do not drain and clear it"
    )


@command_of(
    NodeOptions, *OPTIONS, "group", "var", "no_deploy", "yes", positional="host"
)
def add(options: NodeOptions) -> int:
    """Bring a host into the cluster: into its inventory, then deploy.

    Example: node.add node4 --var ansible_host=10.0.0.7
    """
    from provision import api

    request = resolve(options)
    change = api.prepare_add(
        request.inventory,
        request.paths,
        options.host,
        groups=words(options.group),
        variables=dict(map(assignment, options.var)),
        **request.cluster_options(),
    )
    return _change(request, options, change)


@command_of(NodeOptions, *OPTIONS, "lost", "yes", positional="host")
def remove(options: NodeOptions) -> int:
    """Take a worker out of the cluster: drained, cleared, and out of the inventory.

    Example: node.remove node3
    """
    from provision import api

    request = resolve(options)
    change = api.prepare_remove(
        request.inventory,
        request.paths,
        options.host,
        lost=options.lost,
        **request.cluster_options(),
    )
    return _change(request, options, change)


@command_of(NodeOptions, *OPTIONS, "var", "lost", "yes", positional="old new")
def replace(options: NodeOptions) -> int:
    """Bring one host into the groups of another, which then leaves.

    Variables of the old host's own are not those of the new one.
    Example: node.replace node3 node4 --var ansible_host=10.0.0.7
    """
    from provision import api

    request = resolve(options)
    change = api.prepare_replace(
        request.inventory,
        request.paths,
        options.old,
        options.new,
        variables=dict(map(assignment, options.var)),
        lost=options.lost,
        **request.cluster_options(),
    )
    return _change(request, options, change)


@command_of(NodeOptions, *OPTIONS, positional="host")
def drain(options: NodeOptions) -> int:
    """Drain a worker and stop it on purpose, such as before a repair.

    It stays so over reboots and deploys until `start --limit HOST`.
    Example: node.drain node3
    """
    from provision import api
    from provision.report.console import output

    request = resolve(options)
    job = api.prepare_drain(
        request.inventory, options.host, **request.cluster_options()
    )
    if options.check:
        return job.plan(request.reporters()).exit_code
    code = job.apply(request.reporters()).exit_code
    if code == 0:
        back = f"`{program()} start --limit {options.host}`"
        output().show(f"{options.host} rests; {back} brings it back")
    return code


def _change(request: Request, options: NodeOptions, change: NodeChange) -> int:
    from provision.report.console import output
    from provision.report.text import escape

    show = output().show
    show(*map(escape, change.diff()), "")
    if options.check:
        show("nothing was changed")
        return DIFFERS
    if not options.yes and not _confirmed(change):
        show("nothing was changed")
        return INTERRUPTED
    if options.no_deploy:
        change.write()
        return 0
    runs = change.apply(request.reporters())
    code = next((run.exit_code for run in runs if run.exit_code), 0)
    if code:
        show("", *_unfinished(change))
    return code


def _confirmed(change: NodeChange) -> bool:
    """Ask the person at the terminal.

    Raises:
        OptionError: there is none.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise OptionError(
            "nothing was changed: the inventory is edited after a confirmation, and there "
            "is no terminal to prompt on",
            hint="add --yes",
        )
    from provision.report.console import output
    from provision.report.text import escape

    adds = f"deploys Ray to {change.adds}" if change.adds else ""
    clears = "forgets" if change.lost else "drains and clears"
    removes = f"{clears} {change.removes}" if change.removes else ""
    what = " and ".join(filter(None, [adds, removes]))
    output().show(f"This edits the inventory, and {escape(what)}.")
    try:
        answer = input("Type yes to go on: ")
    except EOFError:
        answer = ""
    return answer.strip().lower() in {"y", "yes"}


def _unfinished(change: NodeChange) -> Iterator[str]:
    """Yield what is left to do after a run that failed."""
    there = change.present()
    if change.adds and change.adds not in there:
        yield f"the inventory is as it was: {change.adds} is not in it"
        yield (
            "  to do: correct what is said above; for a key that is not known yet, "
            f"--no-deploy, then `{program()} trust` and `{program()} deploy`"
        )
    elif change.removes in there:
        yield f"{change.removes} is still in the inventory"
        yield (
            f"  to do: `{program()} node.remove {change.removes}` goes on; with --lost if "
            "that host is gone for good"
        )
    else:
        yield f"the inventory was changed; `{program()} deploy` does the rest"
