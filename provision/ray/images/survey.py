"""A look at the images of many hosts at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from provision.config.inventory import Host
from provision.engine.each_host import Results, on_each
from provision.engine.run import FORKS, ClusterOptions, Hosts, load_inventory
from provision.errors import HostError
from provision.model.framing import Task, run_tasks
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.ray.images.facts import Image, read
from provision.ray.on_hosts.selection import chosen
from provision.transport.protocol import Transport

SURVEY = read_shell(__file__, "survey.sh")
LIMIT_S = 60.0


def images(
    inventory: Hosts, *, limit: str = "", **options: Unpack[ClusterOptions]
) -> Results[tuple[Image, ...]]:
    """Return the images of each host.

    Args:
        inventory: the cluster.
        limit: a pattern; only these hosts are asked.
        options: `forks`, `credentials`.

    Raises:
        InputErrors: inventory or pattern are wrong.
    """
    cluster = load_inventory(inventory, options)
    return survey(chosen(cluster, limit), options.get("forks", FORKS))


def survey(hosts: Sequence[Host], forks: int) -> Results[tuple[Image, ...]]:
    """Return the images of *hosts*, asked all at once."""
    return on_each(
        hosts, lambda host, link: read(host.name, _ask(host, link)), forks=forks
    )


def _ask(host: Host, connection: Transport) -> str:
    return run_on(host, connection, Sh.of(SURVEY), LIMIT_S)


def run_on(host: Host, connection: Transport, sh: Sh, limit_s: float) -> str:
    """Run *sh* on *host*; return what it printed.

    Raises:
        HostError: it failed, or took longer than *limit_s*.
    """
    [reply] = run_tasks(connection.run, [Task(sh)], become=host.become, limit_s=limit_s)
    if reply.timed_out:
        raise HostError(f"{host.name}: Docker has not answered for {limit_s:.0f} s")
    if reply.exit or not reply.ended:
        why = reply.tail(1)
        raise HostError(f"{host.name}: {''.join(why) or 'it failed'}")
    return reply.stdout
