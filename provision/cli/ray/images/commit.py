"""commit: an image of Ray's container as it is now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provision.cli.command import command_of
from provision.cli.options import PASSWORDS
from provision.cli.ray.images.images import size
from provision.cli.ray.images.options import ImageOptions
from provision.cli.ray.on_hosts.exec import print_json, show_errors
from provision.cli.request import resolve
from provision.errors import OptionError
from provision.invocation import program

if TYPE_CHECKING:
    from provision.engine.each_host import Results
    from provision.ray.images.commit import Committed

CHOICE = ("tag", "deploy", "inventory", "json", "forks", *PASSWORDS)


@command_of(ImageOptions, *CHOICE, positional="place")
def commit(options: ImageOptions) -> int:
    """Make an image of Ray's container on a host, and say how to deploy it.

    The container stands still until it is done. Its origin is in labels. With --deploy the
    image is brought to the other hosts, and the lines for the inventory are printed; the
    next deploy then replaces the nodes in turn, and its plan shows them.

        invoke commit node1 --tag lab/ray:with-ffmpeg
        invoke commit node1 --tag lab/ray:with-ffmpeg --deploy
    """
    from provision import api

    if not options.tag:
        raise OptionError("commit needs a name", hint="--tag NAME:TAG")
    request = resolve(options, quiet=options.json)
    made = api.commit(request.inventory, options.place, options.tag)
    if not options.json:
        _show(made)
    hosts: Results[str] | None = None
    if options.deploy:
        hosts = api.spread_image(
            request.inventory, made.host, made.tag, forks=request.forks
        )
    if options.json:
        print_json(_document(made, hosts))
    elif hosts:
        _show_hosts(hosts)
    if not options.json:
        _show_next(made, options, deployed=hosts is not None)
    if hosts:
        show_errors(hosts)
    return hosts.exit_code if hosts else 0


def _document(made: Committed, hosts: Results[str] | None) -> dict[str, Any]:
    errors = {h: e.message for h, e in hosts.errors.items()} if hosts else {}
    errors |= dict.fromkeys(hosts.unfinished if hosts else (), "interrupted")
    return {
        "host": made.host,
        "image": made.tag,
        "id": made.id,
        "base": made.base,
        "ray_version": made.ray_version,
        "there_before": made.there,
        "emptied": [*made.emptied],
        "origin": dict(made.origin),
        "hosts": dict(hosts.values) if hosts else {},
        "errors": errors,
    }


def _show(made: Committed) -> None:
    from provision.report.console import output
    from provision.report.text import escape

    console = output()
    if made.there:
        when = escape(made.origin.get("when", "an unknown time"))
        console.show(
            f"{made.host}: {made.tag} is there already, made of this container at {when}: "
            "what was changed since is not in it"
        )
        return
    console.show(
        f"{made.host}: {made.tag} is {escape(made.base)} and {size(made.size)} more"
    )
    if made.emptied:
        names = escape(", ".join(made.emptied))
        console.show(f"  not in it, as they are the container's: {names}")


def _show_hosts(hosts: Results[str]) -> None:
    from provision.report.console import output
    from provision.report.text import listed

    groups: dict[str, list[str]] = {}
    for host, state in hosts.values.items():
        groups.setdefault(state, []).append(host)
    output().show(*(f"{state}: {listed(names)}" for state, names in groups.items()))


def _show_next(made: Committed, options: ImageOptions, *, deployed: bool) -> None:
    from provision.report.console import output
    from provision.report.text import escape

    console = output()
    if not deployed:
        words = f"commit {made.host} --tag {made.tag} --deploy"
        console.show(f"`{program()} {words}` brings it to the other hosts")
        return
    lines = [f"ray_image: {made.tag}"]
    lines += [f'ray_version: "{made.ray_version}"'] if made.ray_version else []
    console.show(
        "to make it the cluster's image, write into the inventory, under `vars` of `all`:",
        *(f"  {escape(line)}" for line in lines),
        f"then `{program()} plan` shows the nodes to be replaced, and `{program()} deploy` "
        "replaces them in turn",
        "a host that joins later cannot pull it: push it to a registry, or bring it there "
        "by the same command",
    )
