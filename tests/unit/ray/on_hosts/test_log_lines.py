"""Lines of logs, as they are divided, and the ages that a person may give."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.errors import OptionError
from provision.ray.on_hosts.logs import LONGEST_LINE, _Lines, age_s


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("10m", 600), ("2h", 7200), ("3d", 259200)]
)
def test_an_age_is_a_number_with_a_unit(text: str, seconds: int) -> None:
    assert age_s(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "10", "10 m", "-1m", "1.5h", "10m\n", "9w"])
def test_any_other_age_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="is no age"):
        age_s(text)


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\n", codec="utf-8"), max_size=9)
    ),
    st.integers(1, 7),
)
@settings(max_examples=60)
def test_lines_are_the_same_however_they_are_cut(lines: list[str], size: int) -> None:
    data = "".join(f"{line}\n" for line in lines).encode()
    found: list[str] = []
    sink = _Lines(found.append)
    for start in range(0, len(data), size):
        sink(data[start : start + size])
    sink.end()
    assert found == lines


def test_a_last_line_without_an_end_is_shown_once() -> None:
    found: list[str] = []
    sink = _Lines(found.append)
    sink(b"whole\nhalf")
    assert found == ["whole"]
    sink.end()
    sink.end()
    assert found == ["whole", "half"]


def test_a_line_without_an_end_does_not_fill_the_memory() -> None:
    found: list[str] = []
    sink = _Lines(found.append)
    for _ in range(5):
        sink(b"x" * LONGEST_LINE)
    assert len(found) >= 2
    assert len(sink._held) <= LONGEST_LINE
