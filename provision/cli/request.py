"""A command as it was called: its options read once, its inventory loaded once."""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from provision.cli.options import (
    CommandOptions,
    assignment,
    chosen_credentials,
    positive,
    words,
)
from provision.errors import OptionError

if TYPE_CHECKING:
    from provision.config.inventory import Inventory
    from provision.engine.run import ClusterOptions, RunOptions
    from provision.model.events import Event
    from provision.report.reporters import Reporter

LAST = Path(".provision/last")
"""Has the paths of the inventory that was deployed last from the current folder."""


@dataclass(frozen=True, slots=True)
class Request:
    """The options of a command, and what they choose.

    Attributes:
        options: as they were typed.
        inventory: loaded, with the credentials.
        paths: of the inventory.
        sets: the variables that were set.
        forks: hosts worked on at a time.
    """

    options: CommandOptions
    inventory: Inventory
    paths: tuple[Path, ...]
    sets: Mapping[str, Any]
    forks: int

    def cluster_options(self, reporters: Sequence[Reporter] = ()) -> ClusterOptions:
        """Return the options for functions that work on a whole cluster."""
        return {"sets": self.sets, "forks": self.forks, "reporters": reporters}

    def run_options(self, reporters: Sequence[Reporter] = ()) -> RunOptions:
        """Return the options for `plan`, `apply` and `verify`."""
        return {
            **self.cluster_options(reporters),
            "limit": self.options.limit,
            "tags": words(self.options.tags),
            "diff": self.options.diff,
        }

    def reporters(
        self, *, then: str = "", remember: bool = False, to: TextIO | None = None
    ) -> list[Reporter]:
        """Return what shows one run, and writes its report.

        Args:
            then: the command that makes the changes of a plan.
            remember: make the inventory the default of later commands.
            to: where it is shown; None = standard output.
        """
        from provision.report.console import ConsoleReporter, output
        from provision.report.json_file import ReportFile

        verbose, report = self.options.verbose, self.options.report
        reporters: list[Reporter] = [
            ConsoleReporter(output(to), verbose=verbose, then=then)
        ]
        if report:
            reporters.append(ReportFile(report))
        if remember:
            reporters.append(_remember_when_started(self.paths))
        return reporters


def resolve(options: CommandOptions, *, quiet: bool = False) -> Request:
    """Read all options and load the inventory; print which one, if none was given.

    Args:
        options: of the command.
        quiet: do not print it: what is printed is for a program.

    Raises:
        InputErrors: an option, or something in the inventory, is wrong.
    """
    _import_engine()
    from provision.engine.run import FORKS
    from provision.report.console import output

    paths = _inventory_paths(options)
    sets = dict(map(assignment, options.set))
    forks = positive("--forks", options.forks) if options.forks else FORKS
    if not options.inventory and not quiet:
        shown = ", ".join(short_path(path) for path in paths)
        output().show(f"inventory: {shown} (deployed last)")
    inventory = _loaded(options, paths).with_credentials(chosen_credentials(options))
    return Request(options, inventory, paths, sets, forks)


def _import_engine() -> None:
    """Import some 200 modules, and let Python look for garbage neither then nor in them.

    Takes a tenth from the time of a short command.
    """
    if "provision.engine.run" in sys.modules:
        return
    gc.disable()
    try:
        import provision.engine.run
        import provision.report.console  # noqa: F401
    finally:
        gc.freeze()
        gc.enable()


def _loaded(options: CommandOptions, paths: tuple[Path, ...]) -> Inventory:
    """Return the inventory, which may be a program: it is not run again."""
    from provision.config.inventory import load

    known = options.inventories
    if paths not in known:
        known[paths] = load(paths, options.credentials)
    return known[paths]


def short_path(path: Path) -> str:
    """Return *path* relative to the current folder, if it is in it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _inventory_paths(options: CommandOptions) -> tuple[Path, ...]:
    from provision.config.inventory import find

    if options.inventory:
        return tuple(map(find, options.inventory))
    try:
        last = tuple(map(Path, LAST.read_text("utf-8").splitlines()))
    except OSError:
        last = ()
    if not last:
        raise OptionError(
            "no inventory was given, and none was deployed from this folder before",
            hint=f"use --inventory PATH{_choices()}",
        )
    for path in last:
        if not path.exists():
            raise OptionError(
                f"the inventory deployed last no longer exists: {path}",
                hint="use --inventory PATH",
            )
    return last


def _choices() -> str:
    names = sorted(path.stem for path in Path("inventories").glob("[!.]*"))
    return f", or a name in inventories/: {', '.join(names)}" if names else ""


def _remember_when_started(paths: Sequence[Path]) -> Reporter:
    from provision.model.events import RunStarted

    def remember(event: Event) -> None:
        if isinstance(event, RunStarted):
            LAST.parent.mkdir(exist_ok=True)
            lines = (f"{path.parent.resolve() / path.name}\n" for path in paths)
            LAST.write_text("".join(lines), "utf-8")

    return remember
