"""deploy, plan, verify: a playbook on the hosts of an inventory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, make_dataclass
from typing import Any

from provision.cli.command import Command, command, command_of
from provision.cli.extension import DeployExtension
from provision.cli.options import (
    DISPLAY,
    SELECTION,
    CommandOptions,
    command_line,
    declared,
)
from provision.cli.request import Request, resolve

DIFFERS = 3
OPTIONS = (*SELECTION, "check", "diff", *DISPLAY, "playbook")
Extensions = Sequence[type[DeployExtension]]


def deploy_command(extensions: Extensions) -> Command:
    """Return the command `deploy`, which has the options of *extensions* as well."""

    def deploy(options: CommandOptions) -> int:
        """Bring the hosts to what the playbook describes."""
        return _deploy(options, [_extension(one, options) for one in extensions])

    more = [name for one in extensions for name in declared(one)]
    return command_of(_options_with(extensions), *OPTIONS, *more)(deploy)


def _options_with(extensions: Extensions) -> type[CommandOptions]:
    """The class of options that has those of *extensions*, too."""
    fields = [
        (name, one.type, field(default=one.default, metadata=one.metadata))
        for extension in extensions
        for name, one in declared(extension).items()
    ]
    bases = (CommandOptions,)
    made: Any = make_dataclass("DeployOptions", fields, bases=bases, frozen=True)
    found: type[CommandOptions] = made
    return found


def _extension(kind: type[DeployExtension], options: CommandOptions) -> DeployExtension:
    return kind(**{name: getattr(options, name) for name in declared(kind)})


def _deploy(options: CommandOptions, extensions: Sequence[DeployExtension]) -> int:
    for extension in extensions:
        extension.check(options)
    request = resolve(options)
    codes = [extension.before(request) for extension in extensions]
    before = next(filter(None, codes), 0)
    if options.check:
        code = _plan(request, extensions)
        return before or code if code in (0, DIFFERS) else code
    return _apply(request, extensions) or before


def plan_command(extensions: Extensions) -> Command:
    """Return the command `plan`, after which *extensions* show what they have to."""

    def plan(options: CommandOptions) -> int:
        """Show what deploy would change; exit 3 if anything."""
        return _plan(resolve(options), [one() for one in extensions])

    return command(*SELECTION, "diff", *DISPLAY, "playbook", read_only=True)(plan)


@command(*SELECTION, "diff", *DISPLAY, "playbook", read_only=True)
def verify(options: CommandOptions) -> int:
    """Check that the hosts are as described; exit 3 if not."""
    from provision import api

    request = resolve(options)
    choices = request.run_options(request.reporters())
    return api.verify(request.inventory, options.playbook, **choices).exit_code


def _plan(request: Request, extensions: Sequence[DeployExtension]) -> int:
    from provision import api

    playbook, then = request.options.playbook, command_line("deploy", request.options)
    choices = request.run_options(request.reporters(then=then))
    run = api.plan(request.inventory, playbook, **choices)
    for extension in extensions:
        extension.planned(run)
    return run.exit_code


def _apply(request: Request, extensions: Sequence[DeployExtension]) -> int:
    from provision import api

    choices = request.run_options(request.reporters(remember=True))
    run = api.apply(request.inventory, request.options.playbook, **choices)
    for extension in extensions:
        extension.after(request, run)
    return run.exit_code
