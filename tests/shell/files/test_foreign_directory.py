"""A directory with something in it that no run brought keeps its owner."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from shells import EACH_SHELL, run

from provision.errors import RefusedError
from provision.model.change import Change
from provision.steps.files.file import Directory

Shell = tuple[str, ...]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
OWNER = 4321


def planned(
    shell: Shell, path: Path, manifest: Path, owner: int = 1000
) -> list[Change]:
    step = Directory(path=str(path), owner=str(owner), refuse_foreign=True)
    env = {**os.environ, "PROVISION_MANIFEST": str(manifest)}
    return step.plan(step.observe(run(shell, step.probe(), env=env)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "it's data"
    folder.mkdir()
    os.chown(folder, OWNER, 0)
    return folder


@EACH_SHELL
@pytest.mark.parametrize("name", ["x", ".x", "..x", "a folder/", "dangling"])
def test_one_with_content_is_refused(shell: Shell, folder: Path, name: str) -> None:
    if name.endswith("/"):
        (folder / name).mkdir()
    elif name == "dangling":
        (folder / name).symlink_to("nowhere")
    else:
        (folder / name).touch()
    with pytest.raises(RefusedError, match="has something in it") as caught:
        planned(shell, folder, folder.parent / "none")
    assert f"({OWNER})" in caught.value.message and str(folder) in caught.value.message
    assert "chown" in caught.value.hint
    # The owner is as wanted; only the mode may differ.
    assert planned(shell, folder, folder.parent / "none", OWNER) == []


@EACH_SHELL
@pytest.mark.parametrize("content", [[], ["lost+found"]])
def test_an_empty_one_is_given_its_owner(
    shell: Shell, folder: Path, content: list[str]
) -> None:
    for name in content:
        (folder / name).mkdir()
    assert planned(shell, folder, folder.parent / "none") == [
        Change("owner", str(OWNER), "1000")
    ]


@EACH_SHELL
@pytest.mark.parametrize("above", [False, True])
def test_one_that_a_run_brought_is_ours(
    shell: Shell, folder: Path, above: bool
) -> None:
    (folder / "x").touch()
    manifest = folder.parent / "manifest"
    manifest.mkdir()
    noted = folder.parent if above else folder
    (manifest / "manifest").write_text(f"absent path:{noted}\n")
    assert planned(shell, folder, manifest) == [Change("owner", str(OWNER), "1000")]


@EACH_SHELL
def test_a_link_to_one_counts_as_that(shell: Shell, folder: Path) -> None:
    (folder / "x").touch()
    link = folder.parent / "link"
    link.symlink_to(folder)
    with pytest.raises(RefusedError, match="has something in it"):
        planned(shell, link, folder.parent / "none")


@EACH_SHELL
def test_what_is_no_directory_is_refused_as_ever(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RefusedError, match="is a file, not a directory"):
        planned(shell, tmp_path / "file", tmp_path / "none")
    assert planned(shell, tmp_path / "nothing", tmp_path / "none")[0].field == "type"
