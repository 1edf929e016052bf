"""stop, start, restart: the nodes of Ray that a deploy has made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provision.cli.command import command
from provision.cli.options import DISPLAY, SELECTION, CommandOptions, command_line
from provision.cli.request import Request, resolve
from provision.invocation import program

if TYPE_CHECKING:
    from provision.ray.running.running import Running

OPTIONS = [name for name in SELECTION if name != "tags"]


@command(*OPTIONS, "check", *DISPLAY)
def stop(options: CommandOptions) -> int:
    """Stop Ray on purpose: it stays so over reboots and deploys.

    Workers are drained first, the head is stopped last; Prometheus and Grafana go on.
    Example: stop --limit node3
    """
    from provision import api
    from provision.report.console import output

    request = resolve(options)
    job = api.prepare_stop(
        request.inventory, limit=options.limit, **request.cluster_options()
    )
    code = _run(request, job, "stop")
    if code == 0 and not options.check:
        output().show(
            f"`{program()} start` starts it again; `{program()} status` shows it"
        )
    return code


@command(*OPTIONS, "check", *DISPLAY)
def start(options: CommandOptions) -> int:
    """Start Ray where it was stopped, the head first.

    Example: start --limit node3
    """
    from provision import api

    request = resolve(options)
    job = api.prepare_start(
        request.inventory, limit=options.limit, **request.cluster_options()
    )
    return _run(request, job, "start")


@command(*OPTIONS, *DISPLAY)
def restart(options: CommandOptions) -> int:
    """Stop Ray and start it again; workers are drained first.

    Example: restart --limit node3
    """
    from provision import api

    request = resolve(options)
    choices = request.cluster_options(request.reporters())
    runs = api.restart(request.inventory, limit=options.limit, **choices)
    return next((run.exit_code for run in runs if run.exit_code), 0)


def _run(request: Request, job: Running, name: str) -> int:
    options = request.options
    if options.check:
        then = command_line(name, options)
        return job.plan(request.reporters(then=then)).exit_code
    return job.apply(request.reporters()).exit_code
