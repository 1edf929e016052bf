"""Additions to the command `deploy`: options of their own, work before and after it.

A package names them as entry points of the group `provision.deploy`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provision.cli.options import CommandOptions

if TYPE_CHECKING:
    from provision.cli.request import Request
    from provision.model.result import Run


class DeployExtension:
    """A part of one `deploy`.

    A subclass is a dataclass; each of its fields is an option of the command, declared
    with `provision.cli.options.option`.
    """

    def check(self, options: CommandOptions) -> None:
        """Check the options of the command, before anything is read.

        Raises:
            OptionError: one of them contradicts an option of this extension.
        """

    def before(self, request: Request) -> int:
        """Work before the deploy, or plan that work with `--check`; return an exit code."""
        return 0

    def planned(self, run: Run) -> None:
        """Show what there is to know after *run*, a plan of the same hosts."""

    def after(self, request: Request, run: Run) -> None:
        """Record and show what there is to know after *run*, also if it has failed."""
