"""metrics: the targets of Prometheus, and where to see their metrics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from provision.cli.command import command
from provision.cli.options import PASSWORDS, CommandOptions
from provision.cli.request import resolve

if TYPE_CHECKING:
    from rich.console import RenderableType

    from provision.ray.metrics import Metrics

DIFFERS = 3
STYLES = {"up": "green", "down": "bold red", "unknown": "yellow"}


@command("inventory", "set", *PASSWORDS, read_only=True)
def metrics(options: CommandOptions) -> int:
    """Show Prometheus' targets and the URLs; exit 3 if one is down."""
    from provision import api
    from provision.report.console import output

    console, request = output(), resolve(options)
    with console.status("asking Prometheus"):
        found = api.metrics(request.inventory, **request.cluster_options())
    console.print(_table(found))
    console.show("", *_addresses(found))
    return 0 if found.up == len(found.targets) else DIFFERS


def _table(found: Metrics) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    from provision.report.text import escape

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("job", "instance", "host", "state", "scraped", "last error"):
        table.add_column(title, overflow="fold")
    for target in sorted(found.targets, key=lambda target: target.name):
        age = found.age_s(target)
        cells = (
            *(target.labels.get(name, "") for name in ("job", "instance", "host")),
            target.health,
            "never" if age is None else f"{age:.0f} s ago",
            target.last_error,
        )
        texts = (Text(escape(cell), STYLES.get(cell, "")) for cell in cells)
        table.add_row(*texts)
    return table


def _addresses(found: Metrics) -> Iterator[str]:
    yield f"{found.up} of {len(found.targets)} targets up"
    for name, url in found.urls.items():
        yield f"  {name:14} {url}"
    yield f"  {'':14} Grafana: user admin, password in {found.password}"
