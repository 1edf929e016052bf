"""schema: the JSON schema of playbooks."""

from __future__ import annotations

from provision.cli.command import command
from provision.cli.options import CommandOptions


@command(read_only=True)
def schema(options: CommandOptions) -> int:
    """Print the JSON schema of playbooks, for editors."""
    import json

    from provision import api
    from provision.report.console import output

    output().show(json.dumps(api.schema(), indent=2))
    return 0
