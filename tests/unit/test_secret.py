"""Secrets are made once, kept where only their owner reads, and asked for by name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from provision.errors import SecretError
from provision.secret import Secrets, not_yet


def secrets(folder: Path, *, generate: bool = True, **environment: str) -> Secrets:
    return Secrets(folder, generate=generate, environment=environment)


def test_a_missing_secret_is_made_and_then_the_same(tmp_path: Path) -> None:
    first = secrets(tmp_path / "s")("ray_token").get_secret_value()
    again = secrets(tmp_path / "s", generate=False)("ray_token").get_secret_value()
    assert len(first) == 64 and first == again


def test_only_the_owner_may_read_its_file(tmp_path: Path) -> None:
    secrets(tmp_path / "s")("ray_token")
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "s/ray_token").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in (tmp_path / "s").iterdir()] == ["ray_token"]


def test_a_run_that_only_looks_makes_none(tmp_path: Path) -> None:
    value = secrets(tmp_path / "s", generate=False)("ray_token")
    assert value.get_secret_value() == not_yet("ray_token")
    assert not (tmp_path / "s").exists()


def test_the_environment_wins(tmp_path: Path) -> None:
    source = secrets(tmp_path, PROVISION_RAY_TOKEN="mine")
    assert source("ray_token").get_secret_value() == "mine"
    assert source.values == {"mine"}
    assert not (tmp_path / "ray_token").exists()


def test_two_runs_that_start_at_once_agree(tmp_path: Path) -> None:
    def one(_: int) -> str:
        return secrets(tmp_path / "s")("ray_token").get_secret_value()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(one, range(32)))) == 1


@pytest.mark.parametrize("name", ["", "../x", "Ray", "a b", "1a", 3])
def test_a_name_that_is_no_name_is_refused(tmp_path: Path, name: object) -> None:
    with pytest.raises(SecretError, match="not a name for a secret"):
        secrets(tmp_path)(name)


def test_a_file_that_others_may_read_or_that_is_empty_is_refused(
    tmp_path: Path,
) -> None:
    file = tmp_path / "ray_token"
    file.write_text("x" * 40)
    file.chmod(0o644)
    with pytest.raises(SecretError, match="others may read"):
        secrets(tmp_path)("ray_token")
    file.write_text("")
    with pytest.raises(SecretError, match="empty"):
        secrets(tmp_path)("ray_token")


def test_a_folder_that_cannot_be_made_is_an_error_with_a_way_out(
    tmp_path: Path,
) -> None:
    (tmp_path / "s").write_text("a file")
    with pytest.raises(SecretError, match="PROVISION_RAY_TOKEN"):
        secrets(tmp_path / "s")("ray_token")
