"""A page with all commands, made of the commands themselves."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

from invoke.collection import Collection
from invoke.parser import ParserContext

from provision.cli.listing.groups import grouped, shown_name

START = """# Commands

Made by `invoke reference` of the commands' own `--help`; a test fails if it is older than they are. `invoke --list` has them
in the same groups.
"""


def reference(collection: Collection) -> str:
    """Return the page about the commands of *collection*."""
    return "\n".join([START, *_lines(collection)]).rstrip("\n") + "\n"


def _lines(collection: Collection) -> Iterator[str]:
    commands = collection.task_names
    for heading, names in grouped(commands).items():
        yield f"## {heading}\n"
        for name in names:
            yield from _command(collection, name, shown_name(name, commands[name]))


def _command(collection: Collection, name: str, shown: str) -> Iterator[str]:
    task = collection[name]
    context = ParserContext(args=task.get_arguments())
    words = [str(one.name).upper() for one in context.positional_args]
    usage = " ".join(["invoke", shown, *words])
    yield f"### {shown}\n"
    yield f"`{usage}`\n"
    yield _text(inspect.getdoc(task) or "")
    options = context.help_tuples()
    if options:
        yield "| option | |"
        yield "|---|---|"
    for option, text in options:
        yield f"| `{option.replace('|', '/')}` | {_cell(text or '')} |"
    if options:
        yield ""


def _text(text: str) -> str:
    """Return a help with its examples, which are indented or begin with `invoke`, as code."""
    lines = []
    for block in re.split(r"\n\s*\n", text):
        rows = [row.strip() for row in block.splitlines()]
        if rows and all(row.startswith("invoke ") for row in rows):
            lines += ["```sh", *rows, "```", ""]
        else:
            lines += [*map(_escaped, rows), ""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return _escaped(text).replace("|", "\\|")


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace("*", "\\*")
