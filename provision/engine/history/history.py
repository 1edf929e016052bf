"""The journals of many hosts at once."""

from __future__ import annotations

from collections.abc import Sequence

from provision.config.inventory import Host
from provision.engine.change_control.audit import TAG
from provision.engine.each_host import Results, on_each
from provision.engine.history.entries import Journal, read
from provision.errors import HostError
from provision.model.framing import Task, run_tasks
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.transport.protocol import Transport

JOURNAL = read_shell(__file__, "journal.sh")
LIMIT_S = 60.0


def journals(
    hosts: Sequence[Host], cluster: str, *, since_s: int, forks: int
) -> Results[Journal]:
    """Return what the journals of *hosts* have about runs of *cluster*.

    Args:
        hosts: the hosts to ask, all at once.
        cluster: its name; a host may have several clusters.
        since_s: the most seconds since a line was written; 0 = all.
        forks: the most hosts to ask at a time.
    """
    sh = Sh.of(JOURNAL, tag=TAG, cluster=cluster, since_s=since_s)

    def ask(host: Host, connection: Transport) -> Journal:
        [reply] = run_tasks(
            connection.run, [Task(sh)], become=host.become, limit_s=LIMIT_S
        )
        if reply.exit or not reply.ended:
            why = "it took too long" if reply.timed_out else "".join(reply.tail(1))
            raise HostError(f"{host.name}: its journal was not read: {why}")
        return read(host.name, reply.stdout, cluster)

    return on_each(hosts, ask, forks=forks)
