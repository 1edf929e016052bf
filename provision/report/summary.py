"""The end of a run: a table of its hosts, what failed, and one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from provision.errors import ProvisionError
from provision.model.result import HostResult, Run
from provision.report.text import counted, duration, escape, listed, shortened

MOST_ROWS = 30
"""With more hosts, those with equal counts share a row."""
MOST_FAILURES = 20
STYLES = {
    "ok": "green",
    "changed": "yellow",
    "would change": "cyan",
    "differs": "cyan",
    "failed": "bold red",
    "blocked": "magenta",
}


def summary(run: Run, *, then: str = "") -> Iterator[RenderableType]:
    """What is printed when a run is over.

    Args:
        run: all of it.
        then: the command that does what a plan has found.
    """
    yield Text("")
    yield _table(run)
    yield Text("")
    yield from _failures(run)
    yield sentence(run, then=then)


def _table(run: Run) -> Table:
    word = {"apply": "changed", "verify": "differs"}.get(run.verb, "would change")
    titles = ("ok", word, "failed", "blocked", "round trips", "seconds")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("host", overflow="ellipsis", no_wrap=True)
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    for names, numbers in _rows(run):
        style = STYLES["failed"] if numbers[2] else ""
        table.add_row(Text(listed(names, 1), style), *_cells(titles, numbers))
    return table


def _rows(run: Run) -> Iterator[tuple[list[str], tuple[float, ...]]]:
    """Hosts and their numbers; of many hosts, those with equal counts together."""
    alike: dict[object, list[str]] = {}
    for name, host in run.hosts.items():
        key = name if len(run.hosts) <= MOST_ROWS else _numbers(host)[:-1]
        alike.setdefault(key, []).append(name)
    for names in alike.values():
        columns = zip(*(_numbers(run.hosts[name]) for name in names), strict=True)
        yield names, tuple(max(column) for column in columns)


def _numbers(host: HostResult) -> tuple[float, ...]:
    counts = (host.ok, host.changed + host.planned, host.failed, host.blocked)
    return (*counts, host.round_trips, host.seconds)


def _cells(titles: Iterable[str], numbers: Iterable[float]) -> Iterator[Text]:
    for title, number in zip(titles, numbers, strict=True):
        text = f"{number:.1f}" if title == "seconds" else f"{number:.0f}"
        yield Text(text, STYLES.get(title, "") if number else "dim")


def _failures(run: Run) -> Iterator[Text]:
    """Each failure in one line, with its hosts: what happened may be far above."""
    hosts: dict[str, list[str]] = {}
    for name, text in _failed(run):
        hosts.setdefault(text, []).append(name)
    for text, names in list(hosts.items())[:MOST_FAILURES]:
        yield Text(listed(names, 3), "bold red").append(f": {text}", "red")
    if len(hosts) > MOST_FAILURES:
        yield Text(f"... and {len(hosts) - MOST_FAILURES} more failures", "red")
    if hosts:
        yield Text("")


def _failed(run: Run) -> Iterator[tuple[str, str]]:
    for name, host in run.hosts.items():
        for step in host.steps:
            if step.error:
                where = f" ({step.where})" if step.where else ""
                yield name, escape(f"{step.step}{where}: ") + _brief(step.error)
        if host.error:
            yield name, _brief(host.error)


def _brief(error: ProvisionError) -> str:
    if once := getattr(error, "once", ""):
        return escape(once)
    first = next(iter(error.message.splitlines()), "")
    return shortened(escape(first), 120)


def sentence(run: Run, *, then: str = "") -> Text:
    """What the run came to, in one sentence."""
    if run.interrupted:
        said = f"interrupted after {duration(run.seconds)}: {_counts(run)}"
        return Text(f"{said}; the next run goes on from here", "bold red")
    if run.errors or any(host.blocked for host in run.hosts.values()):
        return Text(_counts(run) + f" in {duration(run.seconds)}", "bold red")
    if run.verb == "apply" and run.changed:
        return Text(_counts(run) + f" in {duration(run.seconds)}", "bold green")
    if run.planned:
        return Text(_promise(run, then), "bold cyan")
    return Text(_nothing(run), "bold green")


def _counts(run: Run) -> str:
    hosts = run.hosts.values()
    parts = [f"{sum(host.failed for host in hosts)} failed"]
    if blocked := sum(host.blocked for host in hosts):
        parts.append(f"{blocked} blocked")
    if run.verb == "apply":
        parts.insert(0, f"{run.changed} changed")
    else:
        parts.insert(0, f"{counted(run.planned, 'step')} would change")
    return f"{counted(len(hosts), 'host')}: {', '.join(parts)}"


def _promise(run: Run, then: str) -> str:
    number = sum(bool(host.planned) for host in run.hosts.values())
    does = "differs" if run.planned == 1 else "differ"
    verb = does if run.verb == "verify" else "would change"
    what = f"{counted(run.planned, 'step')} {verb} on {counted(number, 'host')}"
    todo = f"; run `{then}` to do it" if then else ""
    return f"{escape(run.verb)}: {what}{todo}"


def _nothing(run: Run) -> str:
    number = len(run.hosts)
    found = f"{counted(number, 'host')} {'is' if number == 1 else 'are'} as described"
    said = f"{found}, {_round_trips(run)} ({duration(run.seconds)})"
    if run.verb == "apply":
        return f"nothing to do, 0 changed: {said}"
    return f"{escape(run.verb)}: nothing differs: {said}"


def _round_trips(run: Run) -> str:
    trips = {host.round_trips for host in run.hosts.values()} or {0}
    if len(trips) == 1:
        return f"{counted(trips.pop(), 'round trip')} each"
    return f"{min(trips)} to {max(trips)} round trips"
