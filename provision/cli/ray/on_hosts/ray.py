"""ray: a command of Ray's own program, on the head."""

from __future__ import annotations

import sys

from provision.cli.command import command_of
from provision.cli.options import PASSWORDS
from provision.cli.ray.on_hosts.options import HostOptions
from provision.cli.ray.on_hosts.remainder import remainder
from provision.cli.request import resolve
from provision.errors import OptionError


@command_of(HostOptions, "inventory", *PASSWORDS)
def ray(options: HostOptions) -> int:
    """Run Ray's own program in the head's container, with the token, after `--`.

    invoke ray -- status
    invoke ray -- list nodes
    """
    from provision import api
    from provision.cli.ray.on_hosts.exec import passing

    words = remainder()
    if not words:
        raise OptionError("there is no command of Ray's", hint="ray -- status")
    request = resolve(options)
    out, err = passing(sys.stdout.buffer), passing(sys.stderr.buffer)
    return api.ray_command(request.inventory, *words, stdout=out, stderr=err).exit
