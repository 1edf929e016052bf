"""Selection of hosts and steps for a run: `--limit` and `--tags`."""

from __future__ import annotations

from collections.abc import Collection

from provision.config.inventory import Inventory
from provision.config.playbook.play import Playbook, StepEntry
from provision.config.yaml_source import did_you_mean
from provision.errors import InventoryError, OptionError
from provision.model.step import Step


def hosts(inventory: Inventory, limit: str) -> list[str]:
    """The names of the hosts that *limit* chooses; "" = all.

    Raises:
        OptionError: it chooses none, or is no pattern.
    """
    if not limit:
        return list(inventory.hosts)
    try:
        chosen = inventory.select(limit)
    except InventoryError as error:
        raise OptionError(
            f"--limit {limit}: {error.message}", hint=error.hint
        ) from None
    if not chosen:
        raise OptionError(f"--limit {limit} chooses no host")
    return chosen


def check_tags(playbook: Playbook, tags: Collection[str]) -> None:
    """Refuse a tag that nothing in *playbook* has.

    Raises:
        OptionError: there is one.
    """
    known = {tag for play in playbook.plays for tag in play.tags}
    for play in playbook.plays:
        known.update(*(tags_of(step) for step in play.steps))
    for tag in sorted(set(tags) - known):
        raise OptionError(
            f"--tags {tag}: nothing in the playbook has this tag",
            hint=did_you_mean(tag, known) or "the playbook has no tags",
        )


def tags_of(step: StepEntry | Step) -> frozenset[str]:
    """The tags of a step itself."""
    return step.tags if isinstance(step, StepEntry) else frozenset()
