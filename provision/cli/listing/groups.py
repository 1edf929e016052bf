"""The commands in groups, so that a person finds them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

from invoke.collection import Collection
from invoke.program import Program
from invoke.util import helpline

GROUPS: Mapping[str, str] = {
    "Before the first deploy": "init trust doctor",
    "The cluster": "plan deploy verify status rollback teardown history token.rotate",
    "For the night, and one host": (
        "stop start restart node.add node.drain node.remove node.replace"
    ),
    "Ray": (
        "run jobs job.logs job.stop serve.deploy serve.status serve.stop ray.ray "
        "ray.test smoke notebook dashboard metrics env"
    ),
    "Hosts": "exec shell logs cp",
    "Images": "images.list images.prune commit",
    "Inventories and playbooks": "encrypt schema",
    "Virtual hosts for a try": (
        "lab.up lab.status lab.down lab.reset lab.reboot lab.off lab.on lab.cut lab.mend"
    ),
}
"""Headings, and the commands below them in the order in which a person needs them."""
OTHERS = "Other commands"
"""Heading of those of other packages, and of a repository's own tasks."""


def shown_name(primary: str, aliases: Iterable[str]) -> str:
    """Return the shortest name that a command has: a group's, if it is what that does."""
    return min((primary, *aliases), key=len)


def grouped(commands: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return the names of *commands*, by the headings that have some.

    Args:
        commands: by their full names, the other names that they have.
    """
    known = {name: words.split() for name, words in GROUPS.items()}
    named = {name for words in known.values() for name in words}
    known[OTHERS] = sorted(name for name in commands if name not in named)
    found = {
        heading: [name for name in names if name in commands]
        for heading, names in known.items()
    }
    return {heading: names for heading, names in found.items() if names}


def print_groups(program: Program, collection: Collection) -> None:
    """Print all commands of *collection*, a table for each group."""
    commands = collection.task_names
    shown = {name: shown_name(name, commands[name]) for name in commands}
    width = max(map(len, shown.values()))
    for heading, names in grouped(commands).items():
        sys.stdout.write(f"{heading}:\n\n")
        program.print_columns(
            [(shown[n].ljust(width), helpline(collection[n])) for n in names]
        )


def list_in_groups() -> None:
    """Let `--list` show groups in all programs of this process.

    `invoke --list` prints what Invoke's own program knows of our tasks, in the order of the
    alphabet, and asks no collection for more. Other lists are as they were.
    """
    before = Program.list_flat

    def list_flat(program: Program) -> None:
        if program.list_root or program.list_depth:
            before(program)
        else:
            print_groups(program, program.scoped_collection)

    if before.__module__ != __name__:
        setattr(Program, "list_flat", list_flat)  # noqa: B010 - a method is replaced
