"""Secrets are made once, kept where only their owner reads, and asked for by name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from provision.errors import SecretError
from provision.secrets.credentials import Credentials
from provision.secrets.store import SecretMode, Secrets, hidden, placeholder


def secrets(folder: Path, *, generate: bool = True, **environment: str) -> Secrets:
    mode = SecretMode.GENERATE if generate else SecretMode.READ
    return Secrets(folder, mode, Credentials(environment=environment))


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
    assert value.get_secret_value() == placeholder("ray_token")
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


def test_a_file_that_the_environment_names_is_read(tmp_path: Path) -> None:
    (tmp_path / "given").write_text("mine\n")
    given = {"PROVISION_RAY_TOKEN_FILE": str(tmp_path / "given")}
    source = Secrets(
        tmp_path / "s", SecretMode.GENERATE, Credentials(environment=given)
    )
    assert source("ray_token").get_secret_value() == "mine"
    assert source.place("ray_token") == "$PROVISION_RAY_TOKEN_FILE"
    with pytest.raises(SecretError, match="comes from the environment"):
        source.replace("ray_token", "other")
    assert not (tmp_path / "s").exists()
    (tmp_path / "given").unlink()
    with pytest.raises(SecretError, match="cannot be read"):
        Secrets(tmp_path / "s", SecretMode.GENERATE, Credentials(environment=given))(
            "ray_token"
        )


def test_one_that_cannot_be_made_up_is_asked_for_and_not_kept(tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(name: str) -> str:
        asked.append(name)
        return "typed"

    credentials = Credentials(environment={}, prompt=ask)
    source = Secrets(tmp_path / "s", SecretMode.READ, credentials)
    for _ in range(2):
        assert source("registry", generate=False).get_secret_value() == "typed"
    assert asked == ["secret registry: "]
    assert source.values == {"typed"}
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("answer", "problem"),
    [(None, "is not there, and cannot be made up"), ("", "nothing was typed for")],
)
def test_without_an_answer_it_is_told_where_to_put_it(
    tmp_path: Path, answer: str | None, problem: str
) -> None:
    credentials = Credentials(environment={}, prompt=lambda question: answer)
    source = Secrets(tmp_path / "s", SecretMode.GENERATE, credentials)
    with pytest.raises(SecretError, match=f"{problem}.*set PROVISION_REGISTRY in the"):
        source("registry", generate=False)


def test_one_that_the_cluster_has_is_kept_and_not_counted_as_new(
    tmp_path: Path,
) -> None:
    def source(mode: SecretMode) -> Secrets:
        known = {"ray_token": "theirs"}
        credentials = Credentials(environment={})
        return Secrets(tmp_path / "s", mode, credentials, recovered=known)

    reading, generating = source(SecretMode.READ), source(SecretMode.GENERATE)
    assert reading("ray_token").get_secret_value() == "theirs"
    assert not (tmp_path / "s").exists()
    assert not reading.missing and reading.values == {"theirs"}
    assert generating("ray_token").get_secret_value() == "theirs"
    assert generating("other").get_secret_value() != "theirs"
    generating.discard_new()
    assert [file.name for file in (tmp_path / "s").iterdir()] == ["ray_token"]


def test_secrets_are_found_at_any_depth() -> None:
    data = {"a": [SecretStr("x"), {"b": SecretStr("y")}], "c": "z", "d": 1}
    assert set(hidden(data)) == {"x", "y"}


def test_what_was_replaced_is_known_by_its_digest(tmp_path: Path) -> None:
    made = Secrets(tmp_path, SecretMode.GENERATE, Credentials(environment={}))
    first, digests = made("ray_token").get_secret_value(), [made.digest("ray_token")]
    assert made.retired("ray_token") == []
    made.replace("ray_token", "second")
    digests.append(made.digest("ray_token"))
    made.replace("ray_token", "third")
    again = Secrets(tmp_path, SecretMode.READ, Credentials(environment={}))
    assert again.retired("ray_token") == digests
    [kept] = tmp_path.glob("*.retired")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert first not in kept.read_text()


def test_one_that_is_back_in_use_is_not_retired(tmp_path: Path) -> None:
    """As after a rotation that did not begin, or was killed before it had replaced it."""
    made = Secrets(tmp_path, SecretMode.GENERATE, Credentials(environment={}))
    first, digest = made("ray_token").get_secret_value(), made.digest("ray_token")
    made.replace("ray_token", "second")
    assert made.retired("ray_token") == [digest]
    made.replace("ray_token", first)
    assert digest not in made.retired("ray_token")
