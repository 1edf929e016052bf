"""encrypt: a value as it may stand in a playbook or inventory that others read."""

from __future__ import annotations

import sys

from provision.cli.command import command
from provision.cli.options import CommandOptions
from provision.errors import SecretError

INDENT = " " * 10


@command("vault_password_file")
def encrypt(given: CommandOptions) -> int:
    """Encrypt a value; print it for an inventory or playbook."""
    from provision.report.console import output
    from provision.secrets.vault import encrypt as encrypted

    value = _value()
    lines = encrypted(value).splitlines()
    output().tell("!vault |", *(f"{INDENT}{line}" for line in lines))
    return 0


def _value() -> str:
    """What is typed unseen, or else all of standard input.

    Raises:
        SecretError: there is nothing.
    """
    import getpass

    try:
        typed = sys.stdin.isatty()
        value = getpass.getpass("value: ") if typed else sys.stdin.read()
    except EOFError:
        value = ""
    if not value:
        hint = "type it, or give it on standard input: printf %s VALUE | ..."
        raise SecretError("there is no value to encrypt", hint=hint)
    return value
