"""The table of planted faults in docs/doctor.md: what doctor said of each in the last run kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

HEAD = "| planted | on | finding | what doctor saw |\n|---|---|---|---|\n"


def row(what: str, finding: Mapping[str, str]) -> str:
    """Return the row of one fault."""
    cells = (what, finding["host"], f"`{finding['id']}`", finding["seen"])
    words = (" ".join(cell.replace("|", "\\|").split()) for cell in cells)
    return f"| {' | '.join(words)} |\n"


def rows(page: str) -> dict[str, str]:
    """Return the rows of the table that ends *page*, by the fault; none without a table."""
    lines = page.partition(HEAD)[2].splitlines(keepends=True)
    return {line.split(" | ")[0].removeprefix("| "): line for line in lines}


def with_row(
    page: str, what: str, finding: Mapping[str, str], order: Iterable[str]
) -> str:
    """Return *page* with the row of one fault; rows of what is not in *order* go."""
    kept = {**rows(page), what: row(what, finding)}
    text = page.partition(HEAD)[0].rstrip("\n")
    return f"{text}\n\n{HEAD}" + "".join(kept[one] for one in order if one in kept)
