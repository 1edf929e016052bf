"""History of a cluster: the runs that changed it, by its hosts' own journals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

from provision.engine.each_host import Results
from provision.engine.history.entries import Journal
from provision.engine.history.history import journals
from provision.engine.history.runs import PastRun, chosen_run, runs
from provision.engine.run import FORKS, ClusterOptions, Hosts, load_inventory
from provision.ray.on_hosts.logs import age_s
from provision.ray.on_hosts.selection import chosen


@dataclass(frozen=True)
class History:
    """The runs that changed a cluster, the latest last.

    Attributes:
        cluster: its name.
        runs: all that a host knows of; one that changed nothing leaves no trace.
        answers: the journal of each host, or why there is none.
    """

    cluster: str
    runs: tuple[PastRun, ...]
    answers: Results[Journal]

    def run(self, name: str) -> PastRun:
        """Return the run whose id is *name*, or begins with it.

        Raises:
            OptionError: there is none, or several.
        """
        return chosen_run(self.runs, name)


def history(
    inventory: Hosts,
    *,
    limit: str = "",
    since: str = "",
    **options: Unpack[ClusterOptions],
) -> History:
    """Return the runs that changed a cluster.

    Args:
        inventory: the cluster.
        limit: a pattern; only these hosts are asked.
        since: an age, such as 7d; only what was done since then.
        options: `forks`, `credentials`.

    Raises:
        InputErrors: inventory, pattern or age are wrong.
    """
    cluster = load_inventory(inventory, options)
    found = journals(
        chosen(cluster, limit),
        cluster.cluster,
        since_s=age_s(since) if since else 0,
        forks=options.get("forks", FORKS),
    )
    return History(cluster.cluster, tuple(runs(found.values)), found)
