"""A function of its options as an Invoke task that ends with the right exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import Task

from provision.cli.options import DEFAULTS, HELP, PASSWORDS, CommandOptions
from provision.errors import HostError, InputErrors, ProvisionError

INTERRUPTED = 130
Work = Callable[[CommandOptions], int]
"""Does what a command is for; gives the exit code."""
Command = Task[Callable[..., None]]


def command(*options: str, positional: str = "") -> Callable[[Work], Command]:
    """Make a task of the decorated function.

    Args:
        options: names of fields of `CommandOptions` that it takes as `--name`.
        positional: the name of one that it takes as a bare word.
    """

    def make(work: Work) -> Command:
        def body(context: Context, **values: Any) -> None:
            repeated = {"set": tuple(values["set"])} if "set" in values else {}
            if code := ended(work, CommandOptions(**{**values, **repeated})):
                raise Exit(code=code)

        names = ([positional] if positional else []) + list(options)
        # Invoke gives letters in this order, and `-v` is for verbose.
        names.sort(key=lambda name: name in PASSWORDS)
        body.__name__, body.__doc__ = work.__name__, work.__doc__
        body.__signature__ = _signature(names, positional)  # type: ignore[attr-defined]
        return Task(
            body,
            positional=[positional] if positional else [],
            iterable=[name for name in names if name == "set"],
            help={name: HELP[name] for name in names},
        )

    return make


def _signature(names: list[str], positional: str) -> Signature:
    """What Invoke reads a task's options from."""
    kind = Parameter.POSITIONAL_OR_KEYWORD
    parameters = [Parameter("context", kind)]
    for name in names:
        default = None if name == "set" else DEFAULTS[name]
        default = Parameter.empty if name == positional else default
        parameters.append(Parameter(name, kind, default=default))
    return Signature(parameters)


def ended(work: Work, given: CommandOptions) -> int:
    """Do *work*; the exit code, also for what went wrong."""
    if given.vault_password_file:
        os.environ["PROVISION_VAULT_PASSWORD_FILE"] = given.vault_password_file
    try:
        return work(given)
    except ProvisionError as error:
        _say(*_told(error))
        return error.exit_code
    except KeyboardInterrupt:
        _say("interrupted")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the edge of the program
        _report(error)
        return 1


def _told(error: ProvisionError) -> list[str]:
    if isinstance(error, InputErrors):
        return [f"error: {one}" for one in error.errors]
    if isinstance(error, HostError):
        todo = [f"  to do: {error.hint}"] if error.hint else []
        details = [f"  | {line}" for line in error.details]
        return [f"error: {error.message}", *details, *todo]
    return [f"error: {error}"]


def _report(error: Exception) -> None:
    import traceback

    _say(*"".join(traceback.format_exception(error)).splitlines())
    _say("internal error, please report it with the lines above")


def _say(*lines: str) -> None:
    """Print to standard error, with nothing in it that a terminal would obey."""
    from provision.report.console import output
    from provision.report.text import clean_output

    console = output(sys.stderr)
    for line in lines:
        style = "red" if line.startswith("error: ") else ""
        console.print(clean_output(line), style=style, soft_wrap=True)
