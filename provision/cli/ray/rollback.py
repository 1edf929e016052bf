"""rollback: the containers that the last deploy replaced, back in their places."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provision.cli.command import command
from provision.cli.options import CommandOptions, inventory_path
from provision.cli.playbook_run import SHOW, WHERE, perform, typed
from provision.invocation import program

if TYPE_CHECKING:
    from provision.model.result import Run

PLAYBOOK = "rollback"
KIND = "ray_previous"
OPTIONS = [name for name in WHERE if name != "tags"]


@command(*OPTIONS, "check", *SHOW)
def rollback(given: CommandOptions) -> int:
    """Go back to what the last deploy of Ray replaced."""
    from provision import api
    from provision.ray.steps.rollback import latest
    from provision.report.console import output

    console = output()
    with console.status("looking for what was replaced last"):
        seen = api.plan(inventory_path(given)[0], PLAYBOOK, **given.for_api())
    if seen.errors:
        # What a host that was not asked would have told may be what was last.
        console.tell(*_why(seen))
        return seen.exit_code
    found = [s.observed for h in seen.hosts.values() for s in h.steps if s.kind == KIND]
    run = latest(iter(found))
    # One without a container of now was cut off in the middle: it goes on in any case.
    if not any(_goes_back(state, run) for state in found):
        console.tell("there is nothing to go back to: no container of before is kept")
        return 0
    chosen = replace(given, set=(*given.set, f"back_from='{run}'"))
    if given.check:
        then = typed("rollback", replace(given, playbook="deploy"))
        return perform("plan", chosen, PLAYBOOK, then=then).exit_code
    done = perform("apply", chosen, PLAYBOOK)
    if done.exit_code == 0 and done.changed:
        console.tell(*_hint(done))
    return done.exit_code


def _why(seen: Run) -> list[str]:
    told = [
        f"  {host}: {error.message}{f'; {error.hint}' if error.hint else ''}"
        for host, errors in seen.errors.items()
        for error in errors
    ]
    return [
        "nothing was touched: which deploy was the last one is not known without",
        *told,
        "  leave such hosts out with --limit if you must",
    ]


def _goes_back(state: dict[str, str], run: str) -> bool:
    there = any(field.startswith("then.") for field in state)
    put_back = state.get("now.restart") == "no"
    return put_back or (there and state.get("now.run", run) == run)


def _hint(done: Run) -> list[str]:
    return [
        "",
        f"Ray cluster {done.cluster} runs as before the last deploy.",
        f"  `{program()} plan` shows that as a difference, and `{program()} deploy` would",
        "  make it again: put the former options into the inventory before.",
    ]
