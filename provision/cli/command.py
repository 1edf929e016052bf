"""Turn a function of its options into an Invoke task that ends with an exit code."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, Signature
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.parser import Argument, ParserContext
from invoke.program import Program
from invoke.tasks import Task

from provision.cli.core_options import Dry, honour
from provision.cli.options import LETTERS, CommandOptions, declared
from provision.errors import HostError, InputErrors, OptionError, ProvisionError
from provision.invocation import program
from provision.secrets.credentials import Credentials

if TYPE_CHECKING:
    from provision.config.inventory import Inventory

HELP = frozenset({"-h", "--help"})
INTERRUPTED = 130
LINE = "provision_command_line"
"""Name of the `CommandLine` in Invoke's configuration."""
Options = TypeVar("Options", bound=CommandOptions)
Work = Callable[[Options], int]
"""The work of a command; returns the exit code."""


class CommandLine:
    """Input of the commands on one command line: each is read, typed and run once.

    Attributes:
        inventories: those that were loaded, by their paths.
    """

    def __init__(self) -> None:
        self._credentials = Credentials()
        self.inventories: dict[tuple[Path, ...], Inventory] = {}

    def __copy__(self) -> CommandLine:
        # Invoke gives each command a copy of the configuration.
        return self

    def credentials(self, vault_password_file: str) -> Credentials:
        """Return the credentials; a file that one command names counts for later ones."""
        if vault_password_file:
            found = self._credentials.with_vault_password_file(vault_password_file)
            self._credentials = found
        return self._credentials


class BareWord(Argument):
    """A word without an option's name; one that asks for help is all that is needed.

    Attributes:
        later: the bare words that follow it.
    """

    later: Sequence[Argument] = ()

    def set_value(self, value: Any, cast: bool = True) -> None:
        """Take *value*; where it asks for help the later words need not be there."""
        super().set_value(value, cast)
        for word in self.later if value in HELP else ():
            word.set_value(value)


class Command(Task[Callable[..., None]]):
    """A task whose options have the short forms of `LETTERS`, and no others.

    Attributes:
        full_name: its name on the command line.
        dry: how it can do without changing anything.
        texts: the help of its options; Invoke's own `help` is empty once it was read.
    """

    full_name = ""
    dry = Dry.NEVER
    texts: Mapping[str, str] = MappingProxyType({})

    def arg_opts(
        self, name: str, default: Any, taken_names: set[str]
    ) -> dict[str, Any]:
        """Return how Invoke parses one option."""
        opts = super().arg_opts(name, default, taken_names)
        letters = [LETTERS[name]] if name in LETTERS else []
        names = [*opts["names"], *letters]
        return {**opts, "names": names, "help": self.texts.get(name, "")}

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """Return its options, of which the first bare word knows the later ones."""
        found = super().get_arguments(ignore_unknown_help)
        places = [place for place, one in enumerate(found) if one.positional]
        for place in places[:1]:
            word = BareWord(name=str(found[place].name))
            vars(word).update(vars(found[place]))
            word.later = [found[other] for other in places[1:]]
            found[place] = word
        return found

    def __call__(self, *args: Any, **values: Any) -> Any:
        """Do its work, or show its help."""
        words = [str(values[name]) for name in self.positional]
        # Invoke takes whatever follows for a bare word that it waits for.
        wrong = [word for word in words if word.startswith("-")]
        if HELP.intersection(wrong):
            context = ParserContext(args=self.get_arguments())
            return show_help(program(), self, self.full_name, context)
        if wrong:
            message = f"error: `{self.full_name}` has no option {wrong[0]}"
            raise Exit(message, OptionError.exit_code)
        return super().__call__(*args, **values)


def show_help(binary: str, task: Task[Any], name: str, context: ParserContext) -> None:
    """Print the help of the command *name*, whose options are those of *context*."""
    words = [str(one.name).upper() for one in context.positional_args]
    options = context.help_tuples()
    words += ["[OPTIONS]"] if options else []
    usage = " ".join(["Usage:", binary, name, *words])
    sys.stdout.write(f"{usage}\n\n{inspect.getdoc(task) or ''}\n\n")
    if options:
        sys.stdout.write("Options:\n\n")
        Program().print_columns(options)


def command(
    *options: str, positional: str = "", read_only: bool = False
) -> Callable[[Work[CommandOptions]], Command]:
    """Make a task of the decorated function; its docstring is the help.

    Args:
        options: names of fields of `CommandOptions` that it takes as `--name`.
        positional: the name of one that it takes as a bare word.
        read_only: it changes nothing, so that `--dry` makes no difference. Without it,
            `--dry` is `--check`, or is refused where there is no such option.
    """
    kind = CommandOptions
    return command_of(kind, *options, positional=positional, read_only=read_only)


def command_of(
    kind: type[Options], *options: str, positional: str = "", read_only: bool = False
) -> Callable[[Work[Options]], Command]:
    """Make a task of the decorated function, which takes options of the class *kind*.

    Args:
        kind: has fields beside those of `CommandOptions`, for options of this command.
        options: names of its fields that it takes as `--name`.
        positional: the names of those that it takes as bare words, in their order.
        read_only: as for `command`.
    """
    known = declared(kind)

    def make(work: Work[Options]) -> Command:
        def body(context: Context, **values: Any) -> None:
            values |= {name: tuple(values[name]) for name in repeated}
            line = context.config.get(LINE) or CommandLine()
            credentials = line.credentials(values.get("vault_password_file", ""))
            choices = kind(
                **values, credentials=credentials, inventories=line.inventories
            )

            def honoured(options: Options) -> int:
                return work(honour(context.config, made.full_name, options, made.dry))

            if code := exit_code(honoured, choices):
                raise Exit(code=code)

        bare = positional.split()
        names = [*bare, *options]
        repeated = [name for name in names if known[name].default == ()]
        body.__name__, body.__doc__ = work.__name__, work.__doc__
        defaults = {name: known[name].default for name in names}
        body.__signature__ = _signature(defaults, bare)  # type: ignore[attr-defined]
        made = Command(
            body,
            positional=bare,
            auto_shortflags=False,
            iterable=repeated,
        )
        made.full_name = made.name
        planned = Dry.CHECK if "check" in options else Dry.NEVER
        made.dry = Dry.ALWAYS if read_only else planned
        made.texts = {name: str(known[name].metadata["help"]) for name in names}
        return made

    return make


def _signature(defaults: Mapping[str, Any], bare: list[str]) -> Signature:
    """The signature from which Invoke reads the options of a task."""
    kind = Parameter.POSITIONAL_OR_KEYWORD
    parameters = [Parameter("context", kind)]
    for name, value in defaults.items():
        default = None if value == () else value
        default = Parameter.empty if name in bare else default
        parameters.append(Parameter(name, kind, default=default))
    return Signature(parameters)


def exit_code(work: Work[Options], options: Options) -> int:
    """Do *work* and print its error, if any; return the exit code."""
    try:
        return work(options)
    except ProvisionError as error:
        _print(*_lines(error))
        return error.exit_code
    except KeyboardInterrupt:
        _print("interrupted")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the edge of the program
        _print_traceback(error)
        return 1


def _lines(error: ProvisionError) -> list[str]:
    if isinstance(error, InputErrors):
        return [f"error: {one}" for one in error.errors]
    if isinstance(error, HostError):
        to_do = [f"  to do: {error.hint}"] if error.hint else []
        details = [f"  | {line}" for line in error.details]
        return [f"error: {error.message}", *details, *to_do]
    return [f"error: {error}"]


def _print_traceback(error: Exception) -> None:
    import traceback

    _print(*"".join(traceback.format_exception(error)).splitlines())
    _print("internal error: please report it with the lines above")


def _print(*lines: str) -> None:
    """Print to standard error, with no control characters."""
    from provision.report.console import output
    from provision.report.text import clean_output

    console = output(sys.stderr)
    for line in lines:
        style = "red" if line.startswith("error: ") else ""
        console.print(clean_output(line), style=style, soft_wrap=True)
