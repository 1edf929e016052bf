"""The page about faults agrees with the fault table and the stored results."""

from __future__ import annotations

from collections.abc import Callable

from faults import table
from faults.fault import Fault

EVERY = table.faults()


def test_the_page_is_what_the_table_writes() -> None:
    assert table.PAGE.read_text() == table.page(), (
        "write it with: invoke lab.chaos --keep"
    )


def test_each_fault_has_a_unique_name_and_complete_texts() -> None:
    names = [one.name for one in EVERY]
    assert len(names) == len(set(names))
    for one in EVERY:
        texts = (one.injection, one.outcome, one.todo)
        assert all(text.endswith(".") and not text[0].islower() for text in texts), one


def test_results_are_stored_only_for_existing_faults() -> None:
    assert table.stored_results().keys() <= {one.name for one in EVERY}


def test_a_seed_chooses_the_same_faults_each_time_within_the_time() -> None:
    first = table.sample(EVERY, 7, 120)
    assert first == table.sample(EVERY, 7, 120)
    assert 60 < sum(one.estimate_s for one in first) <= 120
    assert first != table.sample(EVERY, 8, 120)


def test_a_fault_passes_fails_or_is_not_run() -> None:
    def fails() -> None:
        raise AssertionError("the file is gone\nand more")

    def made(check: Callable[[], None]) -> Fault:
        words = ("part", "name", "Done.", "Out.", "Do.")
        return Fault(*words, estimate_s=1, cluster=False, check=check)

    assert table.run_fault(made(lambda: None)).result == table.PASSED
    assert table.run_fault(made(fails)) == table.Result(
        table.FAILED, 0, "the file is gone"
    )
    unready = table.run_fault(made(fails), prepare=lambda _: fails())
    assert unready.result == table.NOT_RUN
