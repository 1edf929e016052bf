"""The table in docs/doctor.md is of faults that the lab test plants."""

from __future__ import annotations

from pathlib import Path

from start.doctor_table import HEAD, rows, with_row
from start.planted_faults import rounds

PAGE = Path(__file__).parents[4] / "docs/doctor.md"
FINDING = {"host": "node1", "id": "clock", "seen": "a | b\nc"}


def test_the_rows_are_of_planted_faults() -> None:
    planted = {one.what: one for faults in rounds() for one in faults if one.id}
    for what, row in rows(PAGE.read_text()).items():
        assert f"| {planted[what].host} | `{planted[what].id}` | " in row
        assert planted[what].said in row


def test_a_row_is_added_in_order_replaced_and_taken_away() -> None:
    page = with_row("Text.\n", "late", FINDING, ["early", "late"])
    assert page == f"Text.\n\n{HEAD}| late | node1 | `clock` | a \\| b c |\n"
    page = with_row(page, "early", FINDING, ["early", "late"])
    assert list(rows(page)) == ["early", "late"]
    page = with_row(page, "late", {**FINDING, "seen": "new"}, ["late"])
    assert page == f"Text.\n\n{HEAD}| late | node1 | `clock` | new |\n"
