"""Words about nodes that were stopped on purpose, which no single host can say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from provision.invocation import program

if TYPE_CHECKING:
    from provision.model.result import Run


def stopped_in(run: Run) -> dict[str, str]:
    """Return when and by whom each host of *run* was stopped on purpose."""
    from provision.ray.steps.stop_mark.mark import purpose

    found = {
        name: purpose(step.observed)
        for name, host in run.hosts.items()
        for step in host.steps
        if step.kind in {"ray_head", "ray_worker"} and not step.error
    }
    return {name: words for name, words in found.items() if words}


def stopped_lines(stopped: Mapping[str, str]) -> Iterator[str]:
    """Yield which hosts were stopped when and by whom, and how they start again."""
    from provision.report.text import escape, listed

    by_words: dict[str, list[str]] = {}
    for name, words in stopped.items():
        by_words.setdefault(words, []).append(name)
    for words, names in by_words.items():
        yield f"{escape(words)}: {escape(listed(names))}"
    if by_words:
        yield f"  to do: `{program()} start` starts what was stopped"


def show_stopped(run: Run) -> None:
    """Show which nodes *run* has left stopped, since a person wanted that."""
    from provision.report.console import output

    if lines := [*stopped_lines(stopped_in(run))]:
        output().show("", *lines)
