"""Nodes that were stopped on purpose: found in a run, or looked for where Ray does not answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from provision.config.inventory import Host
from provision.errors import ConnectError
from provision.invocation import program
from provision.model.framing import Task, run_tasks
from provision.model.result import Run
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.ray.steps.node.roles import (
    RayHead,
    RayHeadProcess,
    RayWorker,
    RayWorkerProcess,
)
from provision.ray.steps.stop_mark.mark import (
    ON_PURPOSE,
    Marks,
    mark_path,
    notes_dir,
    purpose,
    read_marks,
)
from provision.report.text import escape, listed
from provision.transport.protocol import Transport

MARKS = read_shell(__file__, "marks.sh")
LIMIT_S = 60.0
NODES = {one.kind for one in (RayHead, RayWorker, RayHeadProcess, RayWorkerProcess)}


class StoppedError(ConnectError):
    """Ray does not answer, since a person has stopped it.

    The host was reached, so it is not the exit code of one that was not.
    """

    exit_code: ClassVar[int] = 2


def stopped_in(run: Run) -> dict[str, str]:
    """Return when and by whom each host of *run* was stopped on purpose."""
    found = {
        name: purpose(step.observed)
        for name, host in run.hosts.items()
        for step in host.steps
        if step.kind in NODES and not step.error
    }
    return {name: words for name, words in found.items() if words}


def stopped_lines(stopped: Mapping[str, str]) -> Iterator[str]:
    """Yield which hosts were stopped when and by whom, and how they start again."""
    by_words: dict[str, list[str]] = {}
    for name, words in stopped.items():
        by_words.setdefault(words, []).append(name)
    for words, names in by_words.items():
        yield f"{escape(words)}: {escape(listed(names))}"
    if by_words:
        yield f"  to do: `{program()} start` starts what was stopped"


def marks_at(data_dir: str) -> Sh:
    """Return the shell whose output `read_marks` reads."""
    return Sh.of(MARKS, stop_mark=mark_path(data_dir), notes_dir=notes_dir(data_dir))


def stopped_error(host: str, words: str) -> StoppedError:
    """Return the error about *host*, which was stopped when *words* say."""
    return StoppedError(
        f"{host}: Ray is {ON_PURPOSE} {words}",
        hint=f"`{program()} start` starts what was stopped",
    )


def look(host: Host, link: Transport, data_dir: str) -> Marks:
    """Return the marks on *host*, over an open connection."""
    tasks = [Task(marks_at(data_dir))]
    [reply] = run_tasks(link.run, tasks, become=host.become, limit_s=LIMIT_S)
    return read_marks(reply.stdout)


def check_not_stopped(host: Host, link: Transport, data_dir: str) -> None:
    """Check that nobody has stopped Ray on *host*, over an open connection.

    Raises:
        StoppedError: somebody has.
    """
    if words := look(host, link, data_dir).head:
        raise stopped_error(host.name, words)
