"""The page about faults says what the fault table says, and what was seen."""

from __future__ import annotations

from collections.abc import Callable

from faults import table
from faults.fault import Fault

EVERY = table.faults()


def test_the_page_is_as_the_table_would_write_it() -> None:
    assert table.PAGE.read_text() == table.page(), "write it: invoke lab.chaos --keep"


def test_each_fault_has_a_name_of_its_own_and_says_all_there_is_to_say() -> None:
    names = [one.name for one in EVERY]
    assert len(names) == len(set(names))
    for one in EVERY:
        said = (one.done, one.outcome, one.todo)
        assert all(text.endswith(".") and not text[0].islower() for text in said), one


def test_only_faults_that_exist_are_kept() -> None:
    assert table.kept().keys() <= {one.name for one in EVERY}


def test_a_seed_chooses_the_same_faults_each_time_and_keeps_to_the_time() -> None:
    first = table.sample(EVERY, 7, 120)
    assert first == table.sample(EVERY, 7, 120)
    assert 60 < sum(one.about_s for one in first) <= 120
    assert first != table.sample(EVERY, 8, 120)


def test_what_comes_of_a_fault_is_held_not_held_or_not_done() -> None:
    def fails() -> None:
        raise AssertionError("the file is gone\nand more")

    def made(check: Callable[[], None]) -> Fault:
        words = ("part", "name", "Done.", "Out.", "Do.")
        return Fault(*words, about_s=1, cluster=False, check=check)

    assert table.do(made(lambda: None)).result == table.HELD
    assert table.do(made(fails)) == table.Seen(table.NOT_HELD, 0, "the file is gone")
    unready = table.do(made(fails), prepare=lambda _: fails())
    assert unready.result == table.NOT_DONE
