"""status, smoke, schema: what can be seen of a cluster, and of playbooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from provision.cli.command import command
from provision.cli.options import PASSWORDS, CommandOptions
from provision.cli.playbook_run import inventory_of, typed
from provision.invocation import program

if TYPE_CHECKING:
    from rich.console import RenderableType

    from provision.ray.status import HostStatus, Status

STYLES = {"ALIVE": "green", "missing": "bold red", "unknown": "yellow"}
MOST_HOSTS = 5
MOST_STEPS = 3
MOST_CHANGES = 2
"""So much is told of what differs: a cluster is to fit one screen."""


@command("inventory", "set", "forks", *PASSWORDS)
def status(given: CommandOptions) -> int:
    """Show hosts, Ray nodes and drift; exit 3 if any."""
    from provision.api import FORKS
    from provision.ray.status import status as look
    from provision.report.console import output

    console, inventory = output(), inventory_of(given)
    options = given.for_api()
    with console.status(f"looking at {len(inventory.hosts)} hosts"):
        found = look(inventory, options["sets"], options.get("forks", FORKS))
    console.print(_table(found))
    console.tell("", *_troubles(found), *_cluster(found, given))
    return found.run.exit_code


@command("inventory", *PASSWORDS)
def smoke(given: CommandOptions) -> int:
    """Run parallel squares, at least one on every node."""
    from provision.ray.smoke import smoke as job
    from provision.report.console import output
    from provision.report.text import escape

    console, inventory = output(), inventory_of(given)
    with console.status("running the smoke job"):
        done = job(inventory)
    console.tell(str(list(done.squares)))
    by_host: dict[str, list[int]] = {}
    for number, host in done.ran_on.items():
        by_host.setdefault(host, []).append(number)
    for host, numbers in by_host.items():
        squares = ", ".join(f"{number}*{number}" for number in numbers)
        console.tell(f"  {escape(host)}  {squares}")
    return 0


@command()
def schema(given: CommandOptions) -> int:
    """Print the JSON schema of playbooks, for editors."""
    import json

    from provision.config.schema import schema as schema_of
    from provision.report.console import output

    output().tell(json.dumps(schema_of(), indent=2))
    return 0


def _table(found: Status) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    from provision.report.text import escape

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("host", "address", "docker", "ray container", "ray node", "drift"):
        table.add_column(title, overflow="fold")
    for host in found.hosts:
        cells = (host.name, host.address, *_seen(host))
        texts = (Text(escape(cell), STYLES.get(cell, "")) for cell in cells)
        table.add_row(*texts)
    return table


def _seen(host: HostStatus) -> Iterator[str]:
    from provision.report.text import counted

    yield "-" if host.error else host.engine
    yield "-" if host.error else host.container
    yield host.node
    if host.error:
        yield "unreachable" if host.error.exit_code == 4 else "failed"
    else:
        yield counted(len(host.drift), "step") if host.drift else "none"


def _troubles(found: Status) -> Iterator[str]:
    """What could not be seen, and what differs, of the first hosts that have any."""
    from provision.report.text import counted, escape

    bad = [host for host in found.hosts if host.error or host.drift]
    for host in sorted(bad, key=lambda host: not host.error)[:MOST_HOSTS]:
        if host.error:
            yield f"{escape(host.name)}: {escape(host.error.message)}"
            if host.error.hint:
                yield f"  to do: {escape(host.error.hint)}"
        else:
            yield from _drift(host)
    if len(bad) > MOST_HOSTS:
        yield f"... and {counted(len(bad) - MOST_HOSTS, 'more host')}"


def _drift(host: HostStatus) -> Iterator[str]:
    from provision.report.text import change_line, counted, escape

    yield f"{escape(host.name)}: {counted(len(host.drift), 'step')} not as described"
    for step in host.drift[:MOST_STEPS]:
        if step.error:
            yield f"  {escape(step.step)}: {escape(step.error.message)}"
            continue
        lines = [change_line(change) for change in step.changes[:MOST_CHANGES]]
        more = len(step.changes) - len(lines)
        rest = f" and {more} more" if more > 0 else ""
        yield f"  {escape(step.step)}: {', '.join(lines)}{rest}"
    if len(host.drift) > MOST_STEPS:
        yield f"  ... and {counted(len(host.drift) - MOST_STEPS, 'more step')}"


def _cluster(found: Status, given: CommandOptions) -> Iterator[str]:
    if any(host.error or host.drift for host in found.hosts):
        yield ""
    if any(host.drift for host in found.hosts):
        yield f"`{typed('plan', given)}` shows all that differs"
    said = f"{found.alive} of {len(found.hosts)} nodes ALIVE"
    if found.entrance and found.alive:
        said += f"   dashboard {found.entrance.url}"
    yield said
    if found.metrics:
        yield f"metrics: {found.metrics}   `{program()} metrics` shows them"
