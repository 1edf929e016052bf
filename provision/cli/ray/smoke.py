"""smoke: a small job that uses every node."""

from __future__ import annotations

from provision.cli.command import command
from provision.cli.options import PASSWORDS, CommandOptions, command_line
from provision.cli.request import resolve
from provision.invocation import program


@command("inventory", "set", *PASSWORDS)
def smoke(options: CommandOptions) -> int:
    """Run a small Ray job, with a task on every node."""
    from provision import api
    from provision.report.console import output
    from provision.report.text import escape, listed

    console, request = output(), resolve(options)
    with console.status("running the smoke job"):
        result = api.smoke(request.inventory, **request.cluster_options())
    console.show(str(list(result.squares)))
    by_host: dict[str, list[int]] = {}
    for number, host in result.ran_on.items():
        by_host.setdefault(host, []).append(number)
    for host, numbers in by_host.items():
        squares = ", ".join(f"{number}*{number}" for number in numbers)
        console.show(f"  {escape(host)}  {squares}")
    if result.stopped:
        hosts = escape(listed([*result.stopped]))
        console.show(f"stopped on purpose: {hosts}; `{program()} start` starts them")
    console.show("", f"  next  {command_line('run SCRIPT.py', options)}")
    return 0
