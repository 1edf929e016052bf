"""dashboard: Ray's dashboard, Grafana and Prometheus in the browser of this machine."""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from provision.cli.command import command_of
from provision.cli.options import PASSWORDS, CommandOptions, option, positive
from provision.cli.request import resolve

if TYPE_CHECKING:
    from provision.ray.browser.serving import Dashboards

PAGE = '<!DOCTYPE html><meta http-equiv="refresh" content="0; url={link}">\n'


@dataclass(frozen=True)
class DashboardOptions(CommandOptions):
    """The options of dashboard."""

    open: bool = option(default=False, text="open the link in a browser as well")
    port: str = option(
        "", "port of Ray's dashboard on this machine; the others follow (default: free)"
    )
    json: bool = option(default=False, text="print link and addresses as JSON")


OPTIONS = ("inventory", "set", *PASSWORDS, "open", "port", "json")


@command_of(DashboardOptions, *OPTIONS, read_only=True)
def dashboard(options: DashboardOptions) -> int:
    """Bring Ray's dashboard, Grafana and Prometheus to 127.0.0.1; Ctrl-C ends it.

    Through SSH to the head, with Ray's token and Grafana's login added. The link that
    it prints has a secret: other users of this machine do not get in.

    Example: dashboard --inventory lab.yml
    """
    from provision import api
    from provision.report.console import output

    port = positive("--port", options.port) if options.port else 0
    request = resolve(options, quiet=options.json)
    given = request.cluster_options()
    try:
        with api.open_dashboards(request.inventory, port=port, **given) as found:
            if options.json:
                data = {
                    "link": found.link,
                    "addresses": found.addresses,
                    "silent": found.silent,
                }
                sys.stdout.write(f"{json.dumps(data)}\n")
                sys.stdout.flush()
            else:
                output().show(*_lines(found))
            _wait(found, options)
    except KeyboardInterrupt:
        # It is the way to end this command.
        return 0
    return 0


def _lines(found: Dashboards) -> list[str]:
    from provision.report.text import escape

    lines = [f"open {found.link}", ""]
    for name, address in found.addresses.items():
        why = f"  does not answer: {found.silent[name]}" if name in found.silent else ""
        lines.append(f"  {name:10}  {address}{escape(why)}")
    return [*lines, "", "Ctrl-C ends it"]


def _wait(found: Dashboards, options: DashboardOptions) -> None:
    """Wait for Ctrl-C, with the link open in a browser if that is wanted."""
    with tempfile.TemporaryDirectory() as folder:
        if options.open:
            # Other users see the arguments of a browser that starts, and not this file.
            page = Path(folder) / "open.html"
            page.write_text(PAGE.format(link=found.link), encoding="utf-8")
            webbrowser.open(page.as_uri())
        threading.Event().wait()
