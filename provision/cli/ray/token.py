"""token.*: the token that Ray requires of its clients."""

from __future__ import annotations

from provision.cli.command import command
from provision.cli.options import DISPLAY, PASSWORDS, CommandOptions
from provision.cli.request import resolve
from provision.invocation import program


@command("inventory", "forks", "set", *DISPLAY, *PASSWORDS)
def rotate(options: CommandOptions) -> int:
    """Give the cluster a new token; all Ray containers restart."""
    from provision import api
    from provision.ray.token_rotation import token_place
    from provision.report.console import output

    request, show = resolve(options), output().show
    choices = request.cluster_options(request.reporters())
    run = api.rotate_token(request.inventory, **choices)
    if run.exit_code:
        show(
            "",
            "not all hosts have the new token yet: when they can be reached, run "
            f"`{program()} deploy`",
        )
        return run.exit_code
    show("", "Ray accepts the new token, and refuses the old one")
    show(f"  token      in {token_place(request.inventory)}")
    return 0
