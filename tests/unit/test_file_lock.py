"""The lock of a folder: one holder at a time, and nothing left behind."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from provision.file_lock import folder_lock


def test_a_free_lock_is_taken_at_once_and_leaves_no_file(tmp_path: Path) -> None:
    waited: list[str] = []
    for _ in range(2):
        with folder_lock(tmp_path, lambda: waited.append("waited")):
            pass
    assert waited == []
    assert list(tmp_path.iterdir()) == []


def test_a_second_holder_waits_for_the_first_and_says_so(tmp_path: Path) -> None:
    waiting, order = threading.Event(), list[str]()

    def second() -> None:
        with folder_lock(tmp_path, waiting.set):
            order.append("second")

    thread = threading.Thread(target=second)
    with folder_lock(tmp_path):
        thread.start()
        assert waiting.wait(5)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), folder_lock(tmp_path / "none"):
        pass
