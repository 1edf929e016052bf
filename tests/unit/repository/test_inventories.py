"""The inventories of the project can be used as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.config import inventory as inventories
from provision.config import playbook as playbooks
from provision.secrets.store import Secrets

FILES = sorted((Path(__file__).parents[3] / "inventories").glob("*.yml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_deploy_playbook_can_be_bound_to_it(path: Path, tmp_path: Path) -> None:
    inventory = inventories.load(path)
    book = playbooks.load(playbooks.find("deploy"))
    secrets = Secrets(tmp_path, generate=False)
    bound = playbooks.bind(book, inventory, secrets=secrets)
    assert bound.warnings == ()
    assert inventory.cluster == path.stem


def test_there_are_inventories() -> None:
    assert {path.stem for path in FILES} >= {"example", "lab", "localhost"}
