"""The mark on a host that its node of Ray was stopped on purpose: when, and by whom."""

from __future__ import annotations

from typing import NamedTuple

from provision.invocation import program
from provision.model.change import State
from provision.model.step import Settled

STOPPED = "stopped"
"""The field of an observed state with the words of the mark."""
STAYS_STOPPED = Settled((("", f"{STOPPED}=", ""),))
"""The output of a probe that begins a line with the mark: nothing is waited for."""
ON_PURPOSE = "stopped on purpose"
NOTE = f"{STOPPED} node "
"""Beginning of the lines that name a node which was stopped on purpose."""


class Marks(NamedTuple):
    """The marks at the beginning of a probe's output on the head.

    Attributes:
        head: the words of the head's own mark; "" = it was not stopped.
        nodes: the addresses of the workers that were stopped.
        rest: the output after the marks.
    """

    head: str
    nodes: frozenset[str]
    rest: str


def read_marks(output: str) -> Marks:
    """Return the marks that `print_stop_mark` and `print_stop_notes` have printed."""
    head, nodes, rest = "", set(), output
    while rest.startswith((f"{STOPPED}=", NOTE)):
        line, _, rest = rest.partition("\n")
        if line.startswith(NOTE):
            nodes.add(line.removeprefix(NOTE).strip('"'))
        else:
            head = line.partition("=")[2]
    return Marks(head, frozenset(nodes), rest)


def mark_path(data_dir: str) -> str:
    """Return the file on a host that says that its node was stopped."""
    return f"{data_dir}/stopped"


def notes_dir(data_dir: str) -> str:
    """Return the folder on the head with a file for each worker that was stopped."""
    return f"{data_dir}/stopped_nodes"


def purpose(observed: State) -> str:
    """Return in words when and by whom a node was stopped; "" = it was not."""
    words = observed.get(STOPPED, "")
    return f"{ON_PURPOSE} {words}" if words else ""


def remark(observed: State) -> str:
    """Return what a person should know of a node in *observed*; "" = it was not stopped."""
    words = purpose(observed)
    return f"{words}; it is left so: `{program()} start` starts it" if words else ""
