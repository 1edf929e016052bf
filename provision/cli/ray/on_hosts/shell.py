"""shell: a terminal on a host."""

from __future__ import annotations

from provision.cli.command import command_of
from provision.cli.options import PASSWORDS
from provision.cli.ray.on_hosts.options import HostOptions
from provision.cli.ray.on_hosts.remainder import remainder
from provision.cli.request import resolve


@command_of(
    HostOptions, "inventory", "container", "root", *PASSWORDS, positional="place"
)
def shell(options: HostOptions) -> int:
    """Open a shell on a host, or run a program on a terminal there, after `--`.

    invoke shell node1
    invoke shell node1 --root
    invoke shell node2 --container
    invoke shell node2 --container -- python
    """
    from provision import api

    request = resolve(options)
    return api.open_terminal(
        request.inventory,
        options.place,
        *remainder(),
        container=options.container,
        root=options.root,
    )
