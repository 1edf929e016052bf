"""Lines of the hosts' journals, read: a change that a run made, or the end of a run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from provision.errors import HostError

LINE = re.compile(
    r"(?P<time>\d{1,12})(?:\.\d+)? \S+ \S+: cluster=(?P<cluster>\S+) run=(?P<run>\w+) "
    r"by=(?P<by>\S+) (?:playbook=(?P<playbook>\S+) )?"
    r"from=(?P<origin>\S*) login=(?P<login>\S*) "
    r'(?:change="(?P<change>.*)" fields=(?P<count>\d+):(?P<fields>.*)|exit=(?P<exit>\d+))\Z'
)
CUT = ","
"""Divides the names of fields."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a host's journal.

    Attributes:
        host: the host.
        time: seconds since 1970, by the host's clock.
        run: the id of the run.
        by: the person and the machine that ran it.
        playbook: its name; "" = made in Python, or by a version that did not note it.
        origin: the address it came from; "" = without SSH.
        login: the account on the host.
        change: the step that began to make a change; "" = the end of the run.
        fields: what it changes, as far as it is named.
        exit: the exit code of the run; None = it did not end here.
    """

    host: str
    time: int
    run: str
    by: str
    playbook: str
    origin: str
    login: str
    change: str = ""
    fields: tuple[str, ...] = ()
    exit: int | None = None


@dataclass(frozen=True, slots=True)
class Journal:
    """The entries of one host.

    Attributes:
        oldest: the time of the oldest line that its journal has; None = not known.
        entries: in the order of time.
    """

    oldest: int | None
    entries: tuple[Entry, ...]


def read(host: str, text: str, cluster: str) -> Journal:
    """Read the output of `journal.sh`.

    Raises:
        HostError: it is no such output.
    """
    first, *lines = text.splitlines() or [""]
    word, _, oldest = first.partition(" ")
    if word != "oldest":
        raise HostError(f"{host}: its journal cannot be read: {first!r}")
    found = tuple(_entries(host, lines, cluster))
    return Journal(int(oldest) if oldest.isdecimal() else None, found)


def _entries(host: str, lines: list[str], cluster: str) -> Iterator[Entry]:
    for line in lines:
        found = LINE.match(line)
        if found is None or found["cluster"] != cluster:
            continue  # a line of another program with our tag
        named = tuple(filter(None, (found["fields"] or "").split(CUT)))
        yield Entry(
            host=host,
            time=int(found["time"]),
            run=found["run"],
            by=found["by"],
            playbook=found["playbook"] or "",
            origin=found["origin"],
            login=found["login"],
            change=found["change"] or "",
            fields=named,
            exit=None if found["exit"] is None else int(found["exit"]),
        )
