"""encrypt: a value for a playbook or inventory that others may read."""

from __future__ import annotations

import sys

from provision.cli.command import command
from provision.cli.options import CommandOptions
from provision.errors import SecretError
from provision.invocation import program

INDENT = " " * 10


@command("vault_password_file", read_only=True)
def encrypt(options: CommandOptions) -> int:
    """Encrypt a value; print it for an inventory or playbook."""
    from provision import api
    from provision.report.console import output

    lines = api.encrypt(_value(), credentials=options.credentials).splitlines()
    output().show("!vault |", *(f"{INDENT}{line}" for line in lines))
    return 0


def _value() -> str:
    """Read a value from the terminal, hidden, or all of standard input.

    Raises:
        SecretError: there is none.
    """
    import getpass

    try:
        terminal = sys.stdin.isatty()
        value = getpass.getpass("value: ") if terminal else sys.stdin.read()
    except EOFError:
        value = ""
    if not value:
        hint = f"type it, or use a pipe: printf %s VALUE | {program()} encrypt"
        raise SecretError("there is no value to encrypt", hint=hint)
    return value
