"""Fragments of shell on one host, outside of a run."""

from __future__ import annotations

from collections.abc import Sequence

from provision.config.inventory import Host
from provision.model.framing import Task, run_tasks
from provision.model.shell import Reply, Sh
from provision.transport.connect import transport


def ask(host: Host, sh: Sh, limit_s: float) -> Reply:
    """Run *sh* on *host*; return its output and exit code.

    Raises:
        ConnectError: the host cannot be reached.
        StepTimeoutError: it took longer than *limit_s*.
    """
    [reply] = ask_all(host, [sh], limit_s)
    return reply


def ask_all(host: Host, fragments: Sequence[Sh], limit_s: float) -> list[Reply]:
    """Run *fragments* on *host* in one script; return the output and exit code of each.

    Raises:
        ConnectError: the host cannot be reached.
        StepTimeoutError: together they took longer than *limit_s*.
    """
    connection, tasks = transport(host), [Task(sh) for sh in fragments]
    connection.open()
    try:
        return run_tasks(connection.run, tasks, become=host.become, limit_s=limit_s)
    finally:
        connection.close()
