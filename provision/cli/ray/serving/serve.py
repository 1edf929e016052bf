"""serve.*: applications of Ray Serve, deployed from this machine."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from provision.cli.command import command_of
from provision.cli.options import PASSWORDS, CommandOptions, option, positive
from provision.cli.ray.on_hosts.exec import print_json
from provision.cli.request import resolve

if TYPE_CHECKING:
    from provision.ray.serving.serve import Application


@dataclass(frozen=True, slots=True)
class ServeOptions(CommandOptions):
    """Options of the commands about Ray Serve."""

    config: str = option("", "a configuration of Ray Serve, in YAML")
    wait: str = option("", "seconds until all applications have to run (default: 300)")
    json: bool = option(default=False, text="print the result as JSON")


COMMON = ("json", "inventory", "set", *PASSWORDS)


@command_of(ServeOptions, "wait", *COMMON, positional="config")
def deploy(options: ServeOptions) -> int:
    """Deploy the applications of a configuration of Ray Serve; wait until they run.

    The file is in Serve's own format, as `serve build` writes it. It is the whole: an
    application that is not in it is removed. Values may be encrypted by ansible-vault.

        invoke serve.deploy config.yml
        invoke serve.deploy config.yml --wait 900 --json
    """
    from provision import api
    from provision.ray.serving.serve import WAIT_S
    from provision.report.console import output

    request = resolve(options)
    wait_s = positive("--wait", options.wait) if options.wait else WAIT_S
    errors = output(sys.stderr)
    found = api.serve_deploy(
        request.inventory,
        options.config,
        changed=lambda one: errors.show(f"{one.name}: {one.status}"),
        wait_s=wait_s,
        sets=request.sets,
    )
    _show(found, as_json=options.json)
    return 0


@command_of(ServeOptions, *COMMON, read_only=True)
def status(options: ServeOptions) -> int:
    """Show the applications of Ray Serve; exit 3 if one does not run.

    invoke serve.status
    invoke serve.status --json
    """
    from provision import api

    request = resolve(options)
    found = api.serve_status(request.inventory, sets=request.sets)
    _show(found, as_json=options.json)
    return 0 if all(one.status == "RUNNING" for one in found) else 3


@command_of(ServeOptions, "inventory", "set", *PASSWORDS)
def stop(options: ServeOptions) -> int:
    """Stop Ray Serve with all its applications.

    invoke serve.stop
    """
    from provision import api
    from provision.report.console import output
    from provision.report.text import listed

    request = resolve(options)
    names = api.serve_stop(request.inventory, sets=request.sets)
    output().show(f"stopped: {listed(names)}" if names else "there was no application")
    return 0


def _show(found: list[Application], *, as_json: bool) -> None:
    from rich.table import Table

    from provision.report.console import output
    from provision.report.text import escape

    if as_json:
        print_json([asdict(one) for one in found])
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("application", "status", "route", "deployments", "message"):
        table.add_column(title, overflow="fold")
    for one in found:
        parts = ", ".join(f"{name} {at}" for name, at in one.deployments.items())
        last = (one.message.strip().splitlines() or [""])[-1]
        row = (one.name, one.status, one.route_prefix, parts, last)
        table.add_row(*map(escape, row))
    output().print(table if found else "Ray Serve has no application")
