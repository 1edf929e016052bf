"""The options of the commands about single hosts."""

from __future__ import annotations

from dataclasses import dataclass

from provision.cli.options import CommandOptions, option


@dataclass(frozen=True, slots=True)
class HostOptions(CommandOptions):
    """Options of one or several of the commands about single hosts."""

    container: bool = option(
        default=False, text="in Ray's container of the host, or environment"
    )
    login_user: bool = option(
        default=False, text="as the user who logs in (default: as root, by sudo)"
    )
    root: bool = option(default=False, text="as root")
    timeout: str = option("", "end the command on each host after so many seconds")
    json: bool = option(default=False, text="print the result as JSON")
    place: str = option("", "the host")
    source: str = option("", "a path of this machine, or HOSTS:/PATH")
    target: str = option("", "the other one of the two")
    follow: bool = option(default=False, text="go on with what is written from now on")
    since: str = option(
        "", "not older than: 30s, 10m, 2h, 3d (default: the last lines)"
    )
    run: str = option(
        "", "only this run, with each of its changes: its id, or the beginning of it"
    )
    last: str = option("", "how many of the last runs (default: 20)")
    lines: str = option("", "how many of the last lines of each log (default: 50)")
    of: str = option(
        "",
        "which: ray (default), worker, gcs, docker, prometheus, grafana, system; a,b for "
        "several",
    )
