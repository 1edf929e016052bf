"""Remarks about a state: each is reported once for a host, however many steps make it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rig import Note, Rig

from provision.model.change import State
from provision.model.events import Warned


class Remarking(Note, kind="remarking"):
    """A note that says something of its text."""

    def remarks(self, observed: State) -> Iterator[str]:
        yield f"there is {observed.get('text', 'nothing')}"


@pytest.mark.parametrize("dry", [True, False])
def test_two_plays_about_the_same_thing_say_it_once(tmp_path: Path, dry: bool) -> None:
    (tmp_path / "a").write_text("new")
    same = Remarking(path=f"{tmp_path}/a")
    rig = Rig([same], [same, Remarking(path=f"{tmp_path}/b")], dry=dry)
    rig.run()
    said = [event.message for event in rig.of(Warned)]  # type: ignore[attr-defined]
    assert said == ["there is new", "there is nothing"]
