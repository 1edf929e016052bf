"""The command line: the commands as Invoke tasks, and the program `provision`."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from typing import Any

from invoke.collection import Collection
from invoke.exceptions import Exit, ParseError
from invoke.program import Program

import provision
from provision.errors import OptionError

# Looking for plugins reads the metadata of every installed package: a tenth of a start.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
# Invoke forbids Python to keep what it compiled, so that every start would compile us.
sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
# Nearly all that a start and a run make stays until their end: looking for garbage after
# every 700 objects, as Python does by default, is 7 % of a run on 100 hosts, for nothing.
gc.set_threshold(50_000, 20, 20)


def namespace(*more: Callable[..., Any]) -> Collection:
    """All commands, and those of *more*, for a `tasks.py` or a program."""
    # Imported here, for what is said about Invoke above.
    from provision.cli import deploy, encrypt, lab, schema, trust
    from provision.cli.ray import metrics, rollback, smoke, status, teardown, token

    labs = Collection(
        "lab",
        *(
            lab.up,
            lab.down,
            lab.status,
            lab.reset,
            lab.reboot,
            lab.cut,
            lab.mend,
            lab.off,
            lab.on,
        ),
    )
    tokens = Collection("token", token.rotate)
    return Collection(
        *(deploy.deploy, deploy.plan, deploy.verify, status.status, smoke.smoke),
        *(trust.trust, encrypt.encrypt, metrics.metrics, schema.schema),
        *(rollback.rollback, teardown.teardown, tokens, labs, *more),
    )


class Tasks(Program):
    """Invoke's program, with our exit code for what cannot be parsed."""

    def parse_tasks(self) -> None:
        """Parse the words after the program's own options."""
        try:
            super().parse_tasks()
        except ParseError as error:
            hint = f"{self.binary} --help lists commands and options"
            message = f"error: {error}; {hint}"
            raise Exit(message, code=OptionError.exit_code) from error


def main(argv: list[str] | None = None) -> None:
    """Run the program `provision`; it ends with SystemExit unless all went well."""
    Tasks(
        namespace=namespace(),
        name="provision",
        binary="provision",
        version=provision.__version__,
    ).run(argv)
