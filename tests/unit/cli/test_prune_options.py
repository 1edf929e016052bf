"""Options that contradict --prune are refused before a host is contacted."""

from __future__ import annotations

import pytest

from provision.cli.options import CommandOptions
from provision.cli.ray import prune
from provision.errors import OptionError


@pytest.mark.parametrize(
    "given",
    [
        CommandOptions(limit="w1"),
        CommandOptions(tags="metrics"),
        CommandOptions(playbook="mine"),
    ],
)
def test_a_prune_of_a_part_is_refused(given: CommandOptions) -> None:
    with pytest.raises(OptionError, match="--prune"):
        prune.check_options(given)


def test_a_prune_of_the_whole_is_not() -> None:
    prune.check_options(CommandOptions(inventory=("lab.yml",)))
