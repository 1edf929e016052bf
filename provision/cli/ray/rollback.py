"""rollback: back to the containers that the last deploy replaced."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provision.cli.command import command
from provision.cli.options import DISPLAY, SELECTION, CommandOptions, command_line
from provision.cli.request import resolve
from provision.invocation import program

if TYPE_CHECKING:
    from provision.model.result import Run

OPTIONS = [name for name in SELECTION if name != "tags"]


@command(*OPTIONS, "check", *DISPLAY)
def rollback(options: CommandOptions) -> int:
    """Go back to what the last deploy of Ray replaced."""
    from provision import api
    from provision.report.console import output

    console, request = output(), resolve(options)
    with console.status("looking for the last deploy"):
        found = api.find_rollback(
            request.inventory, limit=options.limit, **request.cluster_options()
        )
    if found.probed.errors:
        console.show(*_unknown(found.probed))
        return found.probed.exit_code
    if not found.possible:
        console.show("there is nothing to go back to: nothing of before is kept")
        return 0
    if options.check:
        then = command_line("rollback", replace(options, playbook="deploy"))
        return found.plan(request.reporters(then=then)).exit_code
    run = found.apply(request.reporters())
    if run.exit_code == 0 and run.changed:
        with console.status("looking for what the next deploy would change"):
            after = found.next_plan()
        console.show(*_hint(after))
    return run.exit_code


def _unknown(probed: Run) -> list[str]:
    failures = [
        f"  {host}: {error.message}{f'; {error.hint}' if error.hint else ''}"
        for host, errors in probed.errors.items()
        for error in errors
    ]
    return [
        "nothing was changed: the last deploy is not known, since these hosts could not "
        "be probed:",
        *failures,
        "  to do: repair them, or go back without them: add --limit 'all:!HOST'",
    ]


def _hint(after: Run) -> list[str]:
    """Lines about what the next deploy would change, by its plan *after*."""
    from provision.report.text import counted

    plan, deploy = f"`{program()} plan`", f"`{program()} deploy`"
    if after.errors:
        hosts = ", ".join(after.errors)
        shown = [f"What {plan} shows now is unknown: {hosts} could not be probed."]
    elif after.planned:
        shown = [
            f"{plan} shows that as a difference in {counted(after.planned, 'step')}, and",
            f"{deploy} would change it again: put the former options into the inventory",
            "first.",
        ]
    elif after.unmet:
        shown = [f"{plan} shows a check that is not met: see `{program()} status`."]
    else:
        shown = [f"That is what the inventory describes: {plan} shows no difference."]
    first = f"Ray cluster {after.cluster} runs as before the last deploy."
    return ["", first, *(f"  {line}" for line in shown)]
