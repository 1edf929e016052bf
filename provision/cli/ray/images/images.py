"""images: the images of each host, their size, age and use."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provision.cli.command import command_of
from provision.cli.options import PASSWORDS
from provision.cli.ray.on_hosts.exec import print_json, show_errors
from provision.cli.ray.on_hosts.options import HostOptions
from provision.cli.request import resolve

if TYPE_CHECKING:
    from provision.engine.each_host import Results
    from provision.ray.images.facts import Image

CHOICE = ("inventory", "limit", "json", "forks", *PASSWORDS)
ID_LENGTH = 12


@command_of(HostOptions, *CHOICE, read_only=True)
def images(options: HostOptions) -> int:
    """Show the images on the hosts: size, age, the containers that use them, origin.

    The age is that since the image came to the host. Sizes have the layers that images
    share in each of them. The origin is "deploy" for what a run brought to the host,
    "commit" for what `commit` made there, else "-".

        invoke images
        invoke images --limit node1 --json
    """
    from provision import api

    request = resolve(options, quiet=options.json)
    found = api.images(request.inventory, limit=options.limit, forks=request.forks)
    if options.json:
        print_json(_document(found))
    else:
        _show(found, time.time())
    show_errors(found)
    return found.exit_code


def _document(found: Results[tuple[Image, ...]]) -> dict[str, Any]:
    errors = {host: error.message for host, error in found.errors.items()}
    errors |= dict.fromkeys(found.unfinished, "interrupted")
    hosts = {
        host: [one.as_dict() for one in values] for host, values in found.values.items()
    }
    return {"hosts": hosts, "errors": errors}


@dataclass(frozen=True, slots=True)
class _Row:
    """An image as the table has it: equal rows of several hosts are one."""

    name: str
    id: str
    size: str
    age: str
    used_by: str
    origin: str


def _show(found: Results[tuple[Image, ...]], now: float) -> None:
    from rich.table import Table

    from provision.report.console import output
    from provision.report.text import escape, listed

    rows: dict[_Row, list[str]] = {}
    for host, values in found.values.items():
        for one in values:
            rows.setdefault(row_of(one, now), []).append(host)
    console = output()
    table = Table(box=None, pad_edge=False, header_style="bold")
    headings = ("image", "id", "size", "age", "used by", "origin", "hosts")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row, hosts in sorted(rows.items(), key=lambda item: item[0].name):
        cells = (row.name, row.id, row.size, row.age, row.used_by, row.origin)
        table.add_row(*map(escape, cells), listed(hosts))
    if rows:
        console.print(table)
    empty = [host for host, values in found.values.items() if not values]
    if empty:
        console.show(f"no images: {listed(empty)}")


def row_of(image: Image, now: float) -> _Row:
    """Return *image* in words; the time is *now*."""
    return _Row(
        name=", ".join(image.names) or "(no name)",
        id=image.id.removeprefix("sha256:")[:ID_LENGTH],
        size=size(image.size),
        age="unknown" if image.since is None else age(now - image.since),
        used_by=", ".join(image.used_by) or "-",
        origin=_origin(image),
    )


def _origin(image: Image) -> str:
    if origin := image.origin:
        return f"commit of {origin.get('base', '?')} on {origin.get('host', '?')}"
    return "deploy" if image.brought else "-"


def size(number: int) -> str:
    """Return a number of bytes in MB, or GB."""
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.1f} MB"


def age(seconds: float) -> str:
    """Return an age in its largest unit; a clock that is behind makes none below 0."""
    seconds = max(0, int(seconds))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def total(images: Iterable[Image]) -> str:
    """Return the sum of the sizes of *images*."""
    return size(sum(image.size for image in images))
