"""status: a cluster on one screen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from provision.cli.command import command
from provision.cli.options import PASSWORDS, CommandOptions, command_line
from provision.cli.ray.mtu import show_mtu_differences
from provision.cli.request import resolve
from provision.invocation import program

if TYPE_CHECKING:
    from rich.console import RenderableType

    from provision.ray.status import ClusterStatus, NodeStatus

STYLES = {
    "ALIVE": "green",
    "missing": "bold red",
    "DEAD": "bold red",
    "unknown": "yellow",
    "stopped on purpose": "cyan",
}
MOST_HOSTS = 5
MOST_STEPS = 3
MOST_CHANGES = 2
"""Limits of the list of what differs: a cluster is to fit one screen."""


@command("inventory", "set", "forks", *PASSWORDS, read_only=True)
def status(options: CommandOptions) -> int:
    """Show hosts, Ray nodes and drift; exit 3 if there is drift."""
    from provision import api
    from provision.report.console import output
    from provision.report.text import counted

    console, request = output(), resolve(options)
    with console.status(f"probing {counted(len(request.inventory.hosts), 'host')}"):
        found = api.status(request.inventory, **request.cluster_options())
    console.print(_table(found))
    console.show("", *_problems(found), *_summary(found, options))
    show_mtu_differences(found.run)
    return found.exit_code


def _table(found: ClusterStatus) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    from provision.report.text import escape

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    networks = ["network"] if found.has_networks else []
    titles = ["host", "address", *networks, "docker", "ray container", "ray node"]
    gpus = ["gpus"] if found.has_gpus else []
    storage = ["storage"] if found.has_storage else []
    for title in (*titles, *gpus, *storage, "drift"):
        table.add_column(title, overflow="fold")
    for host in found.hosts:
        place = (host.name, host.address, *([host.network] if networks else []))
        more = [*([host.gpus] if gpus else []), *(_storage(host) if storage else [])]
        cells = (*place, *_cells(host, more))
        texts = (Text(escape(cell), STYLES.get(cell, "")) for cell in cells)
        table.add_row(*texts)
    return table


def _storage(host: NodeStatus) -> Iterator[str]:
    if host.storage is None:
        yield "unknown"
    else:
        yield "; ".join(folder.cell for folder in host.storage) or "-"


def _cells(host: NodeStatus, more: Iterable[str]) -> Iterator[str]:
    from provision.report.text import counted

    yield "-" if host.error else host.engine
    yield "-" if host.error else host.container
    yield host.node
    yield from more
    if host.error:
        yield "unreachable" if host.error.exit_code == 4 else "failed"
    else:
        yield counted(len(host.drift), "step") if host.drift else "none"


def _problems(found: ClusterStatus) -> Iterator[str]:
    """Errors first, then what differs, of the first hosts that have any."""
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


def _drift(host: NodeStatus) -> Iterator[str]:
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


def _others(found: ClusterStatus) -> Iterator[str]:
    """Nodes of Ray that no host of the inventory has."""
    from provision.report.text import escape

    for address, state in found.others.items():
        yield f"not in the inventory: {escape(address)}  {escape(state)}"
    if found.others:
        yield (
            f"  to do: add them to the inventory; or `{program()} deploy --prune` drains and "
            "clears them"
        )


def _shared(found: ClusterStatus) -> Iterator[str]:
    """Yield a line for each shared folder: its server, and how many hosts have it."""
    from provision.ray.steps.shared.storage import served
    from provision.report.text import escape

    for line in served({host.name: host.storage for host in found.hosts}):
        yield escape(line)


def _summary(found: ClusterStatus, options: CommandOptions) -> Iterator[str]:
    from provision.ray.stopped.stopped import stopped_lines

    if any(host.error or host.drift for host in found.hosts):
        yield ""
    if any(host.drift for host in found.hosts):
        yield f"`{command_line('plan', options)}` shows all that differs"
    dashboard = ""
    if found.dashboard and found.alive:
        dashboard = f"   dashboard {found.dashboard.url}"
    yield from stopped_lines({host.name: host.stopped for host in found.stopped})
    if len(found.stopped) == found.expected:
        pass  # nobody expects one to be ALIVE
    elif found.unknown:
        yield f"{found.unknown}: unknown how many of {found.expected} nodes are ALIVE"
    else:
        others = f", {len(found.stopped)} stopped on purpose" if found.stopped else ""
        yield f"{found.alive} of {found.expected} nodes ALIVE{others}{dashboard}"
    yield from _others(found)
    yield from _shared(found)
    if found.metrics:
        yield f"metrics: {found.metrics}   `{program()} metrics` shows them"
