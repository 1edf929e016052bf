"""Options of Invoke itself, which every command line may have: honoured, or refused.

A command works on hosts: none of what these options change about commands on this machine
would be done. `--dry` is honoured wherever it is set, since it promises that nothing is
changed; the others only where they are typed, because a person's configuration files have
them for other programs, too.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from typing import Any, TypeVar

from invoke.config import Config

from provision.cli.options import CommandOptions
from provision.errors import OptionError

REFUSED: Mapping[tuple[str, str], tuple[str, str]] = {
    ("run", "echo"): ("-e/--echo", "--verbose shows what steps print"),
    ("run", "hide"): ("--hide", "redirect the output; --report has the result as JSON"),
    ("run", "pty"): ("-p/--pty", "no step runs on a terminal"),
    ("run", "warn"): ("-w/--warn-only", "a failure is shown by the exit code"),
    ("sudo", "password"): (
        "--prompt-for-sudo-password",
        "--ask-become-pass prompts for the password of sudo on the hosts",
    ),
    ("timeouts", "command"): (
        "-T/--command-timeout",
        "a step has a limit of its own, which a playbook can set: timeout_s",
    ),
}
"""Settings of Invoke's configuration: the option that sets it, and what to use instead."""
SHOWN = {
    "help": "show this, or the help of a command",
    "version": "show the version",
    "list": "list the commands, or those of a group",
    "dry": "only show what would change (= plan, --check); refused by a command that cannot",
    "debug": "show how the command line is read",
    "print-completion-script": "print the completion script of a shell: bash, zsh or fish",
}
"""Options that the help of the program lists, and what they do here."""
ELSEWHERE = "run.dry is set in a configuration file of Invoke, or INVOKE_RUN_DRY in the environment"
Options = TypeVar("Options", bound=CommandOptions)


class Dry(Enum):
    """Ways of a command to do without changing anything."""

    ALWAYS = "it never changes anything"
    CHECK = "its option --check shows what would change"
    NEVER = "it cannot"


def honour(config: Config, name: str, options: Options, dry: Dry) -> Options:
    """Return *options* of the command *name* as Invoke's own options change them.

    Args:
        name: for messages.
        options: as they were typed.
        config: of Invoke, with its own options.
        dry: how the command can do without changing anything.

    Raises:
        OptionError: the command cannot do what one of them promises.
    """
    _refuse(config, name)
    if not config.run.dry or dry is Dry.ALWAYS:
        return options
    typed = _typed(config, "run", "dry")
    if dry is Dry.NEVER:
        raise OptionError(
            f"`{name}` cannot only show what it would do, as -R/--dry promises",
            hint="leave it out" if typed else f"remove it: {ELSEWHERE}",
        )
    if not typed:
        sys.stdout.write(f"`{name}` only shows what would change: {ELSEWHERE}\n")
    return replace(options, check=True)


def _refuse(config: Config, name: str) -> None:
    for (group, setting), (option, hint) in REFUSED.items():
        if _typed(config, group, setting):
            raise OptionError(
                f"{option} is for commands on this machine, and `{name}` runs none",
                hint=f"leave it out: {hint}",
            )


def _typed(config: Config, group: str, setting: str) -> bool:
    # The level of what was typed; Invoke gives it no public name.
    typed: Mapping[str, Mapping[str, Any]] = config._overrides  # noqa: SLF001
    return bool(typed.get(group, {}).get(setting))
