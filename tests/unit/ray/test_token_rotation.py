"""A new token: generated here, deployed to the hosts, tried on Ray."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provision.config.inventory import Inventory, load
from provision.errors import HostError, LockHeldError, SecretError
from provision.model.result import INTERRUPTED, Run
from provision.model.shell import Reply, Sh
from provision.ray import token_rotation
from provision.ray.token_rotation import rotate

INVENTORY = """
all: {vars: {cluster: rota, ansible_connection: local}}
head: {hosts: {a: {}}}
workers: {hosts: {b: {}}}
"""
OLD = "0" * 64


class Cluster:
    """A cluster whose head answers as the test wants."""

    def __init__(self, folder: Path) -> None:
        (folder / "inv.yml").write_text(INVENTORY)
        self.inventory: Inventory = load(folder / "inv.yml")
        self.file = folder / ".provision/rota/ray_token"
        self.file.parent.mkdir(parents=True)
        self.file.touch(0o600)
        self.file.write_text(OLD)
        self.on_head = OLD
        self.codes = "200\n401\n"
        self.asked: list[Sh] = []

    def ask(self, host: Any, sh: Sh, limit_s: float) -> Reply:
        self.asked.append(sh)
        return Reply(self.on_head if sh.text == token_rotation.READ else self.codes)

    @property
    def token(self) -> str:
        return self.file.read_text().strip()


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster(tmp_path)
    monkeypatch.setattr(token_rotation, "ask", made.ask)
    return made


def never() -> Run:
    raise AssertionError("nothing was to be deployed")


def partly() -> Run:
    run = Run()
    run.interrupted = True
    return run


def raising(error: Exception) -> Callable[[], Run]:
    def deploy() -> Run:
        raise error

    return deploy


def test_the_new_token_is_kept_before_the_deploy_and_tried_after_it(
    cluster: Cluster,
) -> None:
    seen = []

    def deploy() -> Run:
        seen.append(cluster.token)
        return Run()

    assert rotate(cluster.inventory, {}, deploy).exit_code == 0
    assert seen == [cluster.token] != [OLD]
    assert cluster.file.stat().st_mode & 0o777 == 0o600
    assert cluster.asked[-1].args == (cluster.token, OLD)


def test_a_deploy_that_did_not_do_all_is_left_to_the_next_one(cluster: Cluster) -> None:
    assert rotate(cluster.inventory, {}, partly).exit_code == INTERRUPTED
    assert cluster.token != OLD, "or the next one would put the old one back"
    assert [sh.text for sh in cluster.asked] == [token_rotation.READ]


def test_a_deploy_that_does_not_even_begin_leaves_the_old_token(
    cluster: Cluster,
) -> None:
    with pytest.raises(LockHeldError):
        rotate(cluster.inventory, {}, raising(LockHeldError("held")))
    assert cluster.token == OLD
    cluster.file.unlink()
    with pytest.raises(LockHeldError):
        rotate(cluster.inventory, {}, raising(LockHeldError("held")))
    assert not cluster.file.exists()


def test_an_interruption_keeps_the_new_one(cluster: Cluster) -> None:
    with pytest.raises(KeyboardInterrupt):
        rotate(cluster.inventory, {}, raising(KeyboardInterrupt()))  # type: ignore[arg-type]
    assert cluster.token != OLD


@pytest.mark.parametrize("codes", ["200\n200\n", "401\n401\n", "none\nnone\n", ""])
def test_ray_is_believed_not_the_deploy(cluster: Cluster, codes: str) -> None:
    cluster.codes = codes
    with pytest.raises(HostError, match="a: Ray answers the new token and the old"):
        rotate(cluster.inventory, {}, Run)


def test_a_cluster_that_is_not_deployed_has_nothing_to_rotate(cluster: Cluster) -> None:
    cluster.on_head = ""
    with pytest.raises(HostError, match="nothing to rotate; deploy the cluster first"):
        rotate(cluster.inventory, {}, never)
    assert cluster.token == OLD


def test_a_token_from_the_environment_is_changed_there(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROVISION_RAY_TOKEN", "mine")
    with pytest.raises(SecretError, match="change it there"):
        rotate(cluster.inventory, {}, never)
    assert cluster.token == OLD
