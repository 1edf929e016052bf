"""token.*: the token that everybody needs who talks to Ray."""

from __future__ import annotations

from provision.cli.command import command
from provision.cli.options import (
    PASSWORDS,
    CommandOptions,
    become_password,
    inventory_path,
)
from provision.cli.playbook_run import SHOW, perform
from provision.invocation import program


@command("inventory", "forks", "set", *SHOW, *PASSWORDS)
def rotate(given: CommandOptions) -> int:
    """Give the cluster a new token; all Ray containers restart."""
    from provision.config.inventory import load
    from provision.ray import token_rotation
    from provision.ray.status import PLAYBOOK, secrets
    from provision.report.console import output

    inventory, tell = load(inventory_path(given)[0]), output().tell
    if password := become_password(given):
        inventory = inventory.with_become_password(password)
    codes = []

    def deploy() -> bool:
        run = perform("apply", given, PLAYBOOK, tags=token_rotation.TAGS)
        codes.append(run.exit_code)
        return run.exit_code == 0

    if token_rotation.rotate(inventory, given.for_api()["sets"], deploy):
        place = secrets(inventory).place(token_rotation.SECRET)
        tell("", "Ray takes the new token, and refuses the old one")
        tell(f"  token      in {place}")
        return 0
    tell(
        "", f"not all hosts have the new token yet: `{program()} deploy` does the rest"
    )
    return codes[-1]
