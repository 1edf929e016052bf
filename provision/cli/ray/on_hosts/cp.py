"""cp: files and folders to hosts and back."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from provision.cli.command import command_of
from provision.cli.options import PASSWORDS
from provision.cli.ray.on_hosts.exec import print_json, show_errors
from provision.cli.ray.on_hosts.options import HostOptions
from provision.cli.request import resolve
from provision.errors import HostError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from provision.engine.each_host import Results
    from provision.engine.on_hosts.copy import Copied

CHOICE = ("inventory", "forks", "container", "login_user", "json")


@command_of(HostOptions, *CHOICE, *PASSWORDS, positional="source target")
def cp(options: HostOptions) -> int:
    """Copy a file or a folder to hosts, or from them.

    Hosts are named as in --limit. A copy that was cut off goes on where it was, also when
    the command is given again; at the end checksums are compared. From several hosts each
    gets a folder of its own name.

        invoke cp model.bin all:/data/
        invoke cp node1:/var/log/syslog .
        invoke cp train.py workers:/home/ray/ --container
    """
    from provision import api

    request = resolve(options)
    with _progress() as bar:
        shown = _Shown(bar, quiet=options.json)
        results = api.copy(
            request.inventory,
            options.source,
            options.target,
            container=options.container,
            become=not options.login_user,
            moved=shown.moved,
            lost=shown.lost,
            done=shown.done,
            forks=request.forks,
        )
    if options.json:
        print_json(_document(results))
    else:
        show_errors(results)
        _show_unfinished(results)
    return results.exit_code


def _document(results: Results[Copied]) -> dict[str, object]:
    hosts: dict[str, object] = {
        name: {"bytes": one.bytes, "target": one.target}
        for name, one in results.values.items()
    }
    hosts |= {name: {"error": e.message} for name, e in results.errors.items()}
    hosts |= {name: {"error": "interrupted"} for name in results.unfinished}
    return {"exit_code": results.exit_code, "hosts": hosts}


def _show_unfinished(results: Results[Copied]) -> None:
    from provision.report.console import output
    from provision.report.text import listed

    if results.unfinished:
        output(sys.stderr).show(
            f"interrupted: {listed([*results.unfinished])}; the same command goes on "
            "where it was"
        )


class _Shown:
    """A copy as it is shown: a bar for each host on a terminal, a line at its end."""

    def __init__(self, bar: Progress | None, *, quiet: bool) -> None:
        self._bar, self._quiet = bar, quiet
        self._tasks: dict[str, TaskID] = {}
        self._lock = threading.Lock()

    def moved(self, host: str, count: int) -> None:
        from provision.report.text import escape

        if not self._bar:
            return
        with self._lock:
            if host not in self._tasks:
                self._tasks[host] = self._bar.add_task(escape(host), total=None)
        self._bar.advance(self._tasks[host], count)

    def lost(self, host: str, error: HostError) -> None:
        from provision.report.console import output
        from provision.report.text import escape

        output(sys.stderr).show(f"{escape(host)}: {error.message}; trying to go on")

    def done(self, host: str, result: Copied | HostError) -> None:
        from provision.report.console import output
        from provision.report.text import escape

        if not (self._quiet or isinstance(result, HostError)):
            size = f"{result.bytes / 1e6:.1f} MB"
            output().show(f"{escape(host)}: {size} -> {escape(result.target)}")


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """Yield a bar on a terminal; None elsewhere."""
    from provision.report.console import output

    console = output(sys.stderr)
    if not console.is_terminal:
        yield None
        return
    from rich.progress import (
        DownloadColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TransferSpeedColumn,
    )

    columns = (
        *(SpinnerColumn(), TextColumn("{task.description}")),
        *(DownloadColumn(), TransferSpeedColumn()),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        yield bar
