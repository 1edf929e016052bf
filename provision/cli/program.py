"""The command line: the commands as Invoke tasks, and the program `provision`."""

from __future__ import annotations

import atexit
import gc
import os
import re
import sys
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection
from invoke.exceptions import Exit, ParseError
from invoke.parser import Argument, ParserContext
from invoke.program import Program
from invoke.tasks import Task

import provision
from provision.cli.core_options import SHOWN
from provision.cli.listing.groups import list_in_groups
from provision.errors import OptionError
from provision.plugins import COMMANDS, DEPLOY, Plugin, missing, plugins

if TYPE_CHECKING:
    from provision.cli.extension import DeployExtension

# Pydantic's search for plugins reads the metadata of every installed package, which
# takes a tenth of a start.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
# Invoke forbids Python to keep compiled modules: every start would compile them again.
sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
# Nearly all objects of a run live until its end: searching for garbage after every 700
# new ones, Python's default, takes 7 % of a run on 100 hosts, and finds nothing.
gc.set_threshold(50_000, 20, 20)


def namespace(*more: Callable[..., Any]) -> Collection:
    """Return all commands, and those of *more*, for a `tasks.py` or a program."""
    # Imported here, for the reasons given about Invoke above.
    from provision.cli import deploy, encrypt, lab, schema, trust
    from provision.cli.command import LINE, CommandLine

    labs = (lab.up, lab.down, lab.status, lab.reset, lab.reboot, lab.cut, lab.mend)
    more_of_deploy = extensions()
    root = Collection(
        *(deploy.deploy_command(more_of_deploy), deploy.plan_command(more_of_deploy)),
        deploy.verify,
        *(trust.trust, encrypt.encrypt),
        *(schema.schema, Collection("lab", *labs, lab.off, lab.on), *more),
    )
    root.configure({LINE: CommandLine()})
    if hint := missing(COMMANDS):
        _warn(f"commands such as `status` and `teardown` are missing: {hint}")
    for plugin in plugins(COMMANDS).values():
        _add(root, plugin)
    _name_commands(root)
    list_in_groups()
    sys.excepthook = _show_error
    # Python looks for garbage once more when it ends: not among what was imported.
    gc.freeze()
    return root


def _name_commands(root: Collection) -> None:
    """Tell each command of ours its name on the command line, for its messages."""
    from provision.cli.command import Command

    for name in root.task_names:
        if isinstance(task := root[name], Command):
            task.full_name = name


def extensions() -> list[type[DeployExtension]]:
    """Return the additions to `deploy`; a warning names each that cannot be used."""
    if hint := missing(DEPLOY):
        _warn(f"`deploy` is without what packages add to it: {hint}")
    found: list[type[DeployExtension]] = []
    for plugin in plugins(DEPLOY).values():
        found += _extension(plugin, found)
    return found


def _extension(
    plugin: Plugin, others: list[type[DeployExtension]]
) -> Iterator[type[DeployExtension]]:
    from provision.cli.extension import DeployExtension
    from provision.cli.options import CommandOptions, declared

    what = f"the addition {plugin.name} of the package {plugin.package} to deploy"
    found = _load(plugin, what)
    if found is None:
        return
    if not (isinstance(found, type) and issubclass(found, DeployExtension)):
        _warn(f"{what}, {plugin.value}, is not a DeployExtension")
        return
    kinds: list[type] = [CommandOptions, *others]
    taken = {name for kind in kinds for name in declared(kind)}
    for name in taken & declared(found).keys():
        _warn(f"{what} is left out: there is another option --{name}")
        return
    yield found


def _load(plugin: Plugin, what: str) -> Any:
    """Return what *plugin* names; None, with a warning, if it cannot be loaded."""
    try:
        return plugin.load()
    except Exception as error:  # noqa: BLE001 - another package's code
        _warn(f"{what} cannot be loaded: {type(error).__name__}: {error}")
        return None


def _add(root: Collection, plugin: Plugin) -> None:
    """Add a command; one that cannot be loaded is no reason not to run the others."""
    *folders, name = plugin.name.split(".")
    what = f"the command {plugin.name} of the package {plugin.package}"
    found = _load(plugin, what)
    if found is None:
        return
    if not isinstance(found, Task):
        _warn(f"{what}, {plugin.value}, is not an Invoke task")
        return
    collection = root
    for folder in folders:
        if folder not in collection.collections:
            collection.add_collection(Collection(folder))
        collection = collection.collections[folder]
    if name in collection.tasks or name in collection.collections:
        _warn(f"{what} is left out: there is another one with this name")
        return
    collection.add_task(found, name=name, default=name in (LIST, *folders[-1:]) or None)


def _warn(message: str) -> None:
    sys.stderr.write(f"warning: {message}\n")


LIST = "list"
"""Name of the command of a group that the group's name alone means: `images`. One that has
the name of its group is such a command, too."""
UNKNOWN = re.compile(r"No idea what ('.*') is!")
"""Invoke's words for a command or option that does not exist."""


class Tasks(Program):
    """Invoke's program; ends with our exit code when the command line is wrong."""

    def core_args(self) -> list[Argument]:
        """Return Invoke's own options, with a help that is true here."""
        found = super().core_args()
        for argument in found:
            argument.help = SHOWN.get(str(argument.name), argument.help)
        return found

    def parse_tasks(self) -> None:
        """Parse the words after the program's own options."""
        try:
            super().parse_tasks()
        except ParseError as error:
            problem = UNKNOWN.sub(r"there is no command or option \1", str(error))
            message = f"error: {problem}; {self.binary} --help lists them"
            raise Exit(message, code=OptionError.exit_code) from error

    def task_list_opener(self, extra: str = "") -> str:
        """Return the heading of the list of commands."""
        return "Commands"

    def print_help(self) -> None:
        """Print all commands, and Invoke's own options that mean something to them."""
        usage = f"Usage: {self.binary} COMMAND [OPTIONS] [COMMAND [OPTIONS] ...]"
        sys.stdout.write(f"{usage}\n\n")
        self.list_tasks()
        shown = [one for one in self.core_args() if one.name in SHOWN]
        sys.stdout.write("Options:\n\n")
        self.print_columns(ParserContext(args=shown).help_tuples())
        hint = (
            f"`{self.binary} COMMAND --help` has the options of a command. "
            f"Begin with `{self.binary} init`."
        )
        sys.stdout.write(f"{hint}\n")

    def print_task_help(self, name: str) -> None:
        """Print the help of one command."""
        from provision.cli.command import show_help

        context = self.parser.contexts[name]
        show_help(self.binary, self.collection[name], name, context)


def main(argv: list[str] | None = None) -> None:
    """Run the program `provision`; it raises SystemExit unless all went well."""
    from provision.cli.start.bare_hosts import to_options

    argv = to_options(sys.argv if argv is None else argv)
    tasks = Tasks(
        namespace=namespace(),
        name="provision",
        binary="provision",
        version=provision.__version__,
    )
    try:
        tasks.run(argv)
    except BrokenPipeError:  # nobody reads the help any more
        _flush()


def _show_error(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Print the traceback of *error*, unless only the reader of the output went away.

    `invoke` itself prints its lists and its help, and catches nothing.
    """
    if issubclass(kind, BrokenPipeError):
        _flush()
    else:
        sys.__excepthook__(kind, error, trace)


@atexit.register
def _flush() -> None:
    """Write what is buffered; if nobody reads it any more, that is no error."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
