"""images.prune: images that deploys have brought and nothing uses."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from provision.cli.command import INTERRUPTED, command_of
from provision.cli.options import DISPLAY, PASSWORDS, command_line
from provision.cli.ray.images.images import total
from provision.cli.ray.images.options import ImageOptions
from provision.cli.ray.on_hosts.exec import show_errors
from provision.cli.request import resolve
from provision.errors import OptionError

if TYPE_CHECKING:
    from provision.ray.images.prune import ImagePrune

CHOICE = ("keep", "older_than", "inventory", "limit", "set", "forks", "check", "yes")


@command_of(ImageOptions, *CHOICE, *DISPLAY, *PASSWORDS)
def prune(options: ImageOptions) -> int:
    """Remove images that deploys have brought and that no container uses.

    Shows them first, and asks. What somebody else brought to a host stays, and so do the
    images that the inventory names and the latest of the others (--keep).

        invoke images.prune --check
        invoke images.prune --keep 2 --older-than 7d --yes
    """
    from provision import api
    from provision.report.console import output

    keep = _number(options.keep) if options.keep else 1
    request, console = resolve(options), output()
    found = api.find_image_prune(
        request.inventory,
        keep=keep,
        older_than=options.older_than,
        limit=options.limit,
        **request.cluster_options(),
    )
    show_errors(found.answers)
    if not any(found.chosen.values()):
        if found.answers.values:
            console.show("no image to remove on the hosts that answered")
        return found.answers.exit_code
    then = _line(options)
    planned = found.plan(request.reporters(then=then))
    console.show(*_sums(found))
    if options.check or planned.errors:
        return planned.exit_code or found.answers.exit_code
    if not options.yes and not _confirmed():
        console.show("nothing was removed")
        return INTERRUPTED
    run = found.apply(request.reporters())
    return run.exit_code or found.answers.exit_code


def _number(text: str) -> int:
    """Return the number in *text*, which may be 0.

    Raises:
        OptionError: it is none.
    """
    if not (text.isascii() and text.isdigit()):
        raise OptionError(f"--keep takes a number from 0 on, not {text!r}")
    return int(text)


def _sums(found: ImagePrune) -> list[str]:
    from provision.report.text import counted

    return [
        f"{host}: {counted(len(images), 'image')}, {total(images)} with shared layers"
        for host, images in found.chosen.items()
        if images
    ]


def _line(options: ImageOptions) -> str:
    """Return the line that removes what a plan with *options* shows."""
    keep = f" --keep {shlex.quote(options.keep)}" if options.keep else ""
    age = options.older_than
    older = f" --older-than {shlex.quote(age)}" if age else ""
    return f"{command_line('images.prune', options)}{keep}{older}"


def _confirmed() -> bool:
    """Ask the person at the terminal.

    Raises:
        OptionError: there is none.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise OptionError(
            "nothing was removed: images.prune asks for confirmation first, and there is "
            "no terminal to prompt on",
            hint="add --yes",
        )
    try:
        answer = input("Type yes to go on: ")
    except EOFError:
        answer = ""
    return answer.strip().lower() in {"y", "yes"}
