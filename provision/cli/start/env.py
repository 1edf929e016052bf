"""env: the environment with which Ray's programs reach the cluster from here."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass

from provision.cli.command import command_of
from provision.cli.options import PASSWORDS, CommandOptions, option
from provision.cli.request import resolve


@dataclass(frozen=True)
class EnvOptions(CommandOptions):
    """The options of env."""

    json: bool = option(default=False, text="print the variables as JSON")


@command_of(EnvOptions, "inventory", "set", *PASSWORDS, "json", read_only=True)
def env(options: EnvOptions) -> int:
    """Print exports for Ray's programs on this machine; asks no host.

    Example: eval "$(invoke env --inventory lab.yml)"
    """
    from provision import api

    request = resolve(options, quiet=True)
    found = api.client_environment(request.inventory, **request.cluster_options())
    if options.json:
        data = {
            "variables": found.variables,
            "client": found.client,
            "notes": found.notes,
        }
        sys.stdout.write(f"{json.dumps(data, indent=2)}\n")
        return 0
    lines = [f"export {k}={shlex.quote(v)}" for k, v in found.variables.items()]
    # Lines of comments do no harm to a shell that evaluates this.
    lines += [f"# in Python: ray.init({found.client!r})"]
    lines += [f"# {note}" for note in found.notes]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0
