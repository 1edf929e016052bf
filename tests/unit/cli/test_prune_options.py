"""What cannot go together with --prune is refused before anything is touched."""

from __future__ import annotations

import pytest

from provision.cli.options import Given
from provision.cli.ray import prune
from provision.errors import OptionError


@pytest.mark.parametrize(
    "given",
    [Given(limit="w1"), Given(tags="metrics"), Given(playbook="mine")],
)
def test_a_prune_of_a_part_is_refused(given: Given) -> None:
    with pytest.raises(OptionError, match="--prune"):
        prune.check(given)


def test_a_prune_of_the_whole_is_not() -> None:
    prune.check(Given(inventory="lab.yml"))
