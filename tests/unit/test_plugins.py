"""Entry points of packages: found on the path, and named when they cannot be used."""

from __future__ import annotations

import contextlib
import io
import sys
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from provision import cli, plugins
from provision.config.registry import step_class
from provision.errors import PlaybookError
from provision.plugins import COMMANDS, DEPLOY, STEPS


def package(folder: Path, name: str, entries: str, kind: str = "dist-info") -> None:
    info = folder / f"{name}-1.0.{kind}"
    info.mkdir(parents=True)
    (info / "entry_points.txt").write_text(entries)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder at the end of the path, for packages."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    return tmp_path


def listed() -> tuple[str, str]:
    """Output and errors of `provision --help`, which lists the commands."""
    output, errors = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
        contextlib.suppress(SystemExit),
    ):
        cli.main(["provision", "--help"])
    return output.getvalue(), errors.getvalue()


@pytest.mark.parametrize("group", [STEPS, COMMANDS, DEPLOY])
def test_what_is_found_is_what_the_standard_library_finds(group: str) -> None:
    theirs = {(point.name, point.value) for point in entry_points(group=group)}
    ours = {(name, one.value) for name, one in plugins.plugins(group).items()}
    assert theirs == ours != set()


@pytest.mark.parametrize("kind", ["dist-info", "egg-info"])
def test_comments_extras_and_other_groups_are_no_entries(
    folder: Path, kind: str
) -> None:
    entries = (
        "[other]\na = b:c\n\n[provision.steps]\n# d = e:f\n; g = h\nx=y:z.Z [more]\n"
    )
    package(folder, "some", entries, kind)
    found = plugins.plugins(STEPS)
    assert (found["x"].value, found["x"].package) == ("y:z.Z", "some")
    assert not {"a", "d", "g"} & set(found)


def test_the_first_of_two_installations_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, kind in (("new", "only_new"), ("old", "only_old")):
        package(tmp_path / place, "some", f"[provision.steps]\n{kind} = a:b\n")
    path = [str(tmp_path / "new"), str(tmp_path / "old")]
    monkeypatch.setattr(sys, "path", [*sys.path, *path])
    assert {"only_new", "only_old"} & set(plugins.plugins(STEPS)) == {"only_new"}


def test_a_package_in_a_zip_file_is_found(folder: Path) -> None:
    archive = folder / "app.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr(
            "z-1.0.dist-info/entry_points.txt", "[provision.steps]\nz = a:b\n"
        )
        made.writestr("z-1.0.dist-info/METADATA", "Name: z\nVersion: 1.0\n")
    sys.path.append(str(archive))
    assert plugins.plugins(STEPS)["z"].package == "z"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("no_such_module:x", "cannot be loaded: No module named 'no_such_module'"),
        ("json:no_such_name", "cannot be loaded"),
        ("json:dumps", "json:dumps, is not a Step"),
    ],
)
def test_a_step_that_cannot_be_used_names_its_package(
    folder: Path, value: str, problem: str
) -> None:
    package(folder, "broken", f"[provision.steps]\nbad_{value[-4:]} = {value}\n")
    with pytest.raises(PlaybookError, match="of the package broken") as error:
        step_class(f"bad_{value[-4:]}")
    assert problem in error.value.message


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (
            "bad = no_such_module:x",
            "command bad of the package broken cannot be loaded",
        ),
        ("bad = json:dumps", "is not an Invoke task"),
        ("deploy = provision.cli.lab:up", "there is another one with this name"),
        ("lab.up = provision.cli.lab:down", "there is another one with this name"),
    ],
)
def test_a_command_that_cannot_be_used_is_a_warning(
    folder: Path, entry: str, problem: str
) -> None:
    package(folder, "broken", f"[provision.commands]\n{entry}\n")
    output, errors = listed()
    assert errors.startswith("warning: ") and problem in errors
    assert "lab.up" in output and "token.rotate" in output


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("no_such_module:x", "the addition bad of the package broken to deploy cannot"),
        ("json:dumps", "json:dumps, is not a DeployExtension"),
        ("provision.cli.ray.deploy:RayDeploy", "there is another option --prune"),
    ],
)
def test_an_addition_to_deploy_that_cannot_be_used_is_a_warning(
    folder: Path, entry: str, problem: str
) -> None:
    package(folder, "broken", f"[provision.deploy]\nbad = {entry}\n")
    output, errors = listed()
    assert errors.startswith("warning: ") and problem in errors
    assert "Bring the hosts to what the playbook describes." in output


def test_a_command_with_a_dot_is_in_a_group(folder: Path) -> None:
    package(
        folder, "some", "[provision.commands]\nrack.tour.start = provision.cli.lab:up\n"
    )
    output, errors = listed()
    assert ("rack.tour.start" in output, errors) == (True, "")


def test_without_its_own_metadata_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plugins, "plugins", lambda group: {})
    monkeypatch.setattr("provision.config.registry.plugins", lambda group: {})
    with pytest.raises(PlaybookError, match=r"unknown step 'ray_other'.*pip install"):
        step_class("ray_other")
    _, errors = listed()
    assert "`status` and `teardown` are missing" in errors and "pip install" in errors
    assert "`deploy` is without what packages add to it" in errors
