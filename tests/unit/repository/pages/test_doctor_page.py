"""The table in docs/doctor.md has all faults that the lab test plants."""

from __future__ import annotations

from pathlib import Path

from start.doctor_table import HEAD, rows, with_row
from start.planted_faults import rounds

PAGE = Path(__file__).parents[4] / "docs/doctor.md"
FINDING = {"host": "node1", "id": "clock", "seen": "a | b\nc"}


def test_each_planted_fault_has_its_row() -> None:
    planted = [one for faults in rounds() for one in faults if one.id]
    found = rows(PAGE.read_text())
    assert list(found) == [one.what for one in planted], (
        "write it with: PROVISION_KEEP=1 pytest -n0 -m 'long or not long' tests/lab/start"
    )
    for one in planted:
        assert f"| {one.host} | `{one.id}` | " in found[one.what]
        assert one.said in found[one.what]


def test_a_row_is_added_in_order_replaced_and_taken_away() -> None:
    page = with_row("Text.\n", "late", FINDING, ["early", "late"])
    assert page == f"Text.\n\n{HEAD}| late | node1 | `clock` | a \\| b c |\n"
    page = with_row(page, "early", FINDING, ["early", "late"])
    assert list(rows(page)) == ["early", "late"]
    page = with_row(page, "late", {**FINDING, "seen": "new"}, ["late"])
    assert page == f"Text.\n\n{HEAD}| late | node1 | `clock` | new |\n"
