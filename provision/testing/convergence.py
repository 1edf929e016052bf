"""A step tried for real, in a fresh folder of this machine and in more than one shell."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from provision.errors import ProbeError
from provision.model.change import Change
from provision.model.framing import Task, run_tasks
from provision.model.shell import Reply, Sh
from provision.model.step import Step
from provision.testing.transport import FakeTransport

SHELLS = (("dash",), ("busybox", "sh"))
"""The shells of bare hosts: Debian's and Alpine's."""
POLL_S = 0.2
Make = Callable[[Path], Step]
"""Takes a fresh folder, prepares it if need be, and returns the step to try there."""


def assert_converges(
    make: Make, *, shells: Sequence[Sequence[str]] = SHELLS
) -> list[Change]:
    """Bring a fresh folder to a step, in each of *shells*; then again, with nothing to do.

    Args:
        make: returns the step for the folder that it is given.
        shells: the words that start each shell.

    Returns:
        The changes, as the last shell made them.

    Raises:
        AssertionError: nothing differs at first; the probe changes something or does not
            see what the change made; the change fails, the first time or when it is
            repeated; the shells do not agree; or one of them is not installed.
    """
    found: list[tuple[str, list[Change]]] = []
    for shell in shells:
        name = " ".join(shell)
        _expect(shutil.which(shell[0]), f"{name} is not installed: see `shells`")
        with tempfile.TemporaryDirectory() as folder:
            changes = _converged_twice(make, Path(folder).resolve(), shell)
        found.append((name, changes))
        fields = [[change.field for change in made] for _, made in found]
        _expect(
            fields[0] == fields[-1],
            f"{found[0][0]} finds that {fields[0]} differ, {name} that {fields[-1]} do",
        )
    return found[-1][1] if found else []


def converge(step: Step, transport: FakeTransport) -> list[Change]:
    """Probe, change what differs, and probe again; return the changes.

    Raises:
        AssertionError: the change fails, or something still differs after it.
    """
    changes = step.plan(step.observe(_reply(transport, step.probe())))
    if changes:
        _apply(step, changes, transport)
    return changes


def _converged_twice(make: Make, root: Path, shell: Sequence[str]) -> list[Change]:
    step, transport = make(root), FakeTransport(root, shell=shell)
    about = f"{step.title}, in {' '.join(shell)}"
    transport.open()
    before = _content(root)
    step.observe(_reply(transport, step.probe()))
    _expect(_content(root) == before, f"{about}: its probe changes something")
    changes = converge(step, transport)
    _expect(changes, f"{about}: nothing differs at first, so nothing is tried")
    again = converge(step, transport)
    _expect(not again, f"{about}: the second pass still changes {_listed(again)}")
    _apply(step, changes, transport)
    return changes


def _apply(step: Step, changes: list[Change], transport: FakeTransport) -> None:
    """Make *changes*, and poll until nothing differs, as long as *step* may settle."""
    done = _reply(transport, step.apply(changes), strict=True)
    output = "\n".join(done.tail())
    _expect(
        done.exit == 0, f"{step.title}: failed with exit code {done.exit}\n{output}"
    )
    deadline = time.monotonic() + step.settle_s
    while left := _left(step, transport):
        _expect(
            time.monotonic() < deadline,
            f"{step.title}: the change was made, and still differs: {_listed(left)}",
        )
        time.sleep(POLL_S)


def _left(step: Step, transport: FakeTransport) -> list[Change]:
    try:
        return step.plan(step.observe(_reply(transport, step.probe())))
    except ProbeError as error:
        return [Change("state", f"unknown ({error.message})", None)]


def _reply(transport: FakeTransport, sh: Sh, *, strict: bool = False) -> Reply:
    [reply] = run_tasks(transport.run, [Task(sh, strict=strict)])
    return reply


def _expect(true: object, problem: str) -> None:
    """Raise as a failed assertion does, also where Python leaves assertions out."""
    if not true:
        raise AssertionError(problem)


def _content(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return mode, time and content of everything below *root*, by its path."""
    found = {}
    for path in sorted(root.rglob("*")):
        stat = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (stat.st_mode, stat.st_mtime_ns, content)
    return found


def _listed(changes: Sequence[Change]) -> str:
    return ", ".join(map(str, changes))
