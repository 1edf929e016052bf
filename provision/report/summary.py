"""Summary of a run: a table of hosts, each cause of failures once, and one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from provision.model.mode import Mode
from provision.model.result import HostResult, Run
from provision.report.failures import failure_lines
from provision.report.text import counted, duration, listed

MAX_ROWS = 30
"""Number of hosts above which those with equal counts share a row."""
STYLES = {
    "ok": "green",
    "changed": "yellow",
    "would change": "cyan",
    "would wait": "cyan",
    "differs": "cyan",
    "failed": "bold red",
    "blocked": "magenta",
}


def summary(run: Run, *, then: str = "") -> Iterator[RenderableType]:
    """Yield the parts that are printed at the end of a run.

    Args:
        run: the complete run.
        then: the command that makes the changes a plan has listed.
    """
    yield Text("")
    yield _table(run)
    yield Text("")
    if failed := [*failure_lines(run)]:
        yield from failed
        yield Text("")
    yield sentence(run, then=then)


Column = tuple[str, Callable[[HostResult], float]]
"""The title of a column, and its number for a host."""


def _columns(run: Run) -> list[Column]:
    columns: list[Column] = [("ok", lambda host: host.ok)]
    if run.mode is Mode.APPLY:
        columns.append(("changed", lambda host: host.changed))
    elif run.mode is Mode.VERIFY:
        columns.append(("differs", lambda host: host.planned + host.unmet))
    else:
        columns.append(("would change", lambda host: host.planned))
        # A check is no change; a plan without such ones has no column for them.
        if run.unmet:
            columns.append(("would wait", lambda host: host.unmet))
    return [
        *columns,
        ("failed", lambda host: host.failed),
        ("blocked", lambda host: host.blocked),
        ("round trips", lambda host: host.round_trips),
        ("seconds", lambda host: host.seconds),
    ]


def _table(run: Run) -> Table:
    columns = _columns(run)
    titles = [title for title, _ in columns]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("host", overflow="ellipsis", no_wrap=True)
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    for names, numbers in _rows(run, columns):
        style = STYLES["failed"] if numbers[titles.index("failed")] else ""
        table.add_row(Text(listed(names, 1), style), *_cells(titles, numbers))
    return table


def _rows(
    run: Run, columns: Sequence[Column]
) -> Iterator[tuple[list[str], tuple[float, ...]]]:
    """Yield hosts and their numbers; many hosts are grouped by equal counts."""
    numbers = {
        name: tuple(number(host) for _, number in columns)
        for name, host in run.hosts.items()
    }
    groups: dict[object, list[str]] = {}
    for name, row in numbers.items():
        key = name if len(run.hosts) <= MAX_ROWS else row[:-1]
        groups.setdefault(key, []).append(name)
    for names in groups.values():
        columns_of = zip(*(numbers[name] for name in names), strict=True)
        yield names, tuple(max(column) for column in columns_of)


def _cells(titles: Iterable[str], numbers: Iterable[float]) -> Iterator[Text]:
    for title, number in zip(titles, numbers, strict=True):
        text = f"{number:.1f}" if title == "seconds" else f"{number:.0f}"
        yield Text(text, STYLES.get(title, "") if number else "dim")


def sentence(run: Run, *, then: str = "") -> Text:
    """Return the result of the run as one sentence."""
    if run.interrupted:
        text = f"interrupted after {duration(run.seconds)}: {_counts(run)}"
        return Text(f"{text}; the next run continues from here", "bold red")
    if run.errors or any(host.blocked for host in run.hosts.values()):
        return Text(_counts(run) + f" in {duration(run.seconds)}", "bold red")
    if run.mode is Mode.APPLY and run.changed:
        return Text(_counts(run) + f" in {duration(run.seconds)}", "bold green")
    if run.planned or run.unmet:
        return Text(_differences(run, then), "bold cyan")
    return Text(_no_differences(run), "bold green")


def _counts(run: Run) -> str:
    hosts = run.hosts.values()
    parts = [f"{sum(host.failed for host in hosts)} failed"]
    if blocked := sum(host.blocked for host in hosts):
        parts.append(f"{blocked} blocked")
    if run.mode is Mode.APPLY:
        parts.insert(0, f"{run.changed} changed")
    else:
        parts.insert(0, f"{counted(run.planned, 'step')} would change")
    return f"{counted(len(hosts), 'host')}: {', '.join(parts)}"


def _differences(run: Run, then: str) -> str:
    number = sum(bool(host.planned or host.unmet) for host in run.hosts.values())
    steps, checks = counted(run.planned, "step"), counted(run.unmet, "check")
    parts = [f"{steps} {_verb(run)}"] if run.planned else []
    parts += [f"{checks} {'is' if run.unmet == 1 else 'are'} not met"] * bool(run.unmet)
    hint = f"; run `{then}` to apply" if then and run.planned else ""
    what = " and ".join(parts)
    return f"{run.mode_name}: {what} on {counted(number, 'host')}{hint}"


def _verb(run: Run) -> str:
    differ = "differs" if run.planned == 1 else "differ"
    return differ if run.mode is Mode.VERIFY else "would change"


def _no_differences(run: Run) -> str:
    number = len(run.hosts)
    found = f"{counted(number, 'host')} {'is' if number == 1 else 'are'} as described"
    text = f"{found}, {_round_trips(run)} ({duration(run.seconds)})"
    if run.mode is Mode.APPLY:
        return f"nothing to do, 0 changed: {text}"
    return f"{run.mode_name}: nothing differs: {text}"


def _round_trips(run: Run) -> str:
    trips = {host.round_trips for host in run.hosts.values()} or {0}
    if len(trips) == 1:
        return f"{counted(trips.pop(), 'round trip')} each"
    return f"{min(trips)} to {max(trips)} round trips"
