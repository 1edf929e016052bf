"""stop, start, restart: the nodes of Ray that a deploy has made."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provision.cli.command import command_of
from provision.cli.options import (
    DISPLAY,
    SELECTION,
    CommandOptions,
    command_line,
    option,
)
from provision.cli.ray.on_hosts.exec import print_json
from provision.cli.request import Request, resolve
from provision.invocation import program

if TYPE_CHECKING:
    from provision.model.result import HostResult, Run
    from provision.ray.running.running import Running
    from provision.report.reporters import Reporter


@dataclass(frozen=True, slots=True)
class RunningOptions(CommandOptions):
    """The options of stop, start and restart."""

    json: bool = option(default=False, text="print the result as JSON")


OPTIONS = (*(name for name in SELECTION if name != "tags"), *DISPLAY, "json")


@command_of(RunningOptions, *OPTIONS, "check")
def stop(options: RunningOptions) -> int:
    """Stop Ray on purpose: it stays so over reboots and deploys.

    Workers are drained first, the head is stopped last; Prometheus and Grafana go on.
    Example: stop --limit node3
    """
    from provision import api
    from provision.report.console import output

    request = resolve(options, quiet=options.json)
    job = api.prepare_stop(
        request.inventory, limit=options.limit, **request.cluster_options()
    )
    code = _run(request, options, job, "stop")
    if code == 0 and not options.check and not options.json:
        output().show(
            f"`{program()} start` starts it again; `{program()} status` shows it"
        )
    return code


@command_of(RunningOptions, *OPTIONS, "check")
def start(options: RunningOptions) -> int:
    """Start Ray where it was stopped, the head first.

    Example: start --limit node3
    """
    from provision import api

    request = resolve(options, quiet=options.json)
    job = api.prepare_start(
        request.inventory, limit=options.limit, **request.cluster_options()
    )
    return _run(request, options, job, "start")


@command_of(RunningOptions, *OPTIONS)
def restart(options: RunningOptions) -> int:
    """Stop Ray and start it again; workers are drained first.

    Example: restart --limit node3
    """
    from provision import api

    request = resolve(options, quiet=options.json)
    choices = request.cluster_options(_reporters(request, options))
    stopped, started = api.restart(request.inventory, limit=options.limit, **choices)
    return _ended(options, {"stop": stopped, "start": started})


def _run(request: Request, options: RunningOptions, job: Running, name: str) -> int:
    if options.check:
        then = command_line(name, options)
        run = job.plan(_reporters(request, options, then))
    else:
        run = job.apply(_reporters(request, options))
    return _ended(options, {name: run})


def _reporters(
    request: Request, options: RunningOptions, then: str = ""
) -> Sequence[Reporter]:
    return request.reporters(then=then, to=sys.stderr if options.json else None)


def _ended(options: RunningOptions, runs: Mapping[str, Run]) -> int:
    """Print the result if it is to be JSON; return the exit code of all *runs*."""
    code = next((run.exit_code for run in runs.values() if run.exit_code), 0)
    if options.json:
        shown = [_document(name, run) for name, run in runs.items()]
        print_json({"exit_code": code, "runs": shown})
    return code


def _document(name: str, run: Run) -> dict[str, Any]:
    hosts = {host: _host(result) for host, result in run.hosts.items()}
    return {"command": name, "exit_code": run.exit_code, "hosts": hosts}


def _host(result: HostResult) -> dict[str, str]:
    found = [result.error, *(step.error for step in result.steps)]
    error = next(filter(None, found), None)
    states = {
        "failed": bool(error),
        "not run": bool(result.blocked),
        "planned": bool(result.planned or result.unmet),
        "changed": bool(result.changed),
        "ok": True,
    }
    return {
        "outcome": next(state for state, is_so in states.items() if is_so),
        "error": error.message if error else result.blocked_by,
        "to_do": error.hint if error else "",
    }
