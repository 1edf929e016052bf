"""One fragment of shell on one host, outside of a run."""

from __future__ import annotations

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
    connection, tasks = transport(host), [Task(sh)]
    connection.open()
    try:
        [reply] = run_tasks(connection.run, tasks, become=host.become, limit_s=limit_s)
    finally:
        connection.close()
    return reply
