"""An image is built of exactly the files of its step; docker is a stand-in that keeps them."""

from __future__ import annotations

from pathlib import Path

import pytest
from shells import NOT_BUSYBOX, run

from provision.config.playbook.template_files import _read_all
from provision.errors import RenderError
from provision.steps.docker.build import DockerBuild

Shell = tuple[str, ...]
DOCKER = r"""#!/bin/sh
for last; do :; done
here=${0%/*}
case $1 in
build) cp -r "$last" "$here/context"; printf '%s\n' "$@" >"$here/build" ;;
push) [ ! -e "$here/refuses" ] ;;
image) [ "$2" != rm ] || touch "$here/removed" ;;
esac
"""
FILES = {"Dockerfile": "FROM a\n", "src/it's $(x).py": "print('$1 `y`')\n"}


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    return tmp_path


def build(shell: Shell, folder: Path, **params: object) -> int | None:
    step = DockerBuild(name="mine:1", context=FILES, **params)
    env = {"PATH": f"{folder}:/usr/bin:/bin"}
    return run(shell, step.apply(step.plan({})), strict=True, env=env).exit


@NOT_BUSYBOX
def test_it_gets_the_files_and_arguments(shell: Shell, bin_folder: Path) -> None:
    assert build(shell, bin_folder, arguments={"A": "b c", "B": "*"}) == 0
    assert _read_all(bin_folder / "context") == FILES
    words = (bin_folder / "build").read_text().splitlines()
    assert words[-5:-1] == ["--build-arg", "A=b c", "--build-arg", "B=*"]
    assert not Path(words[-1]).exists(), "the context is left behind"


@NOT_BUSYBOX
def test_one_that_cannot_be_pushed_is_built_again(
    shell: Shell, bin_folder: Path
) -> None:
    (bin_folder / "refuses").touch()
    assert build(shell, bin_folder, push=True) != 0
    assert (bin_folder / "removed").exists()


@pytest.mark.parametrize(
    ("context", "words"),
    [
        ({"a": "b"}, "there is no Dockerfile"),
        ({"Dockerfile": "", "../x": ""}, "must be a path inside"),
        ({"Dockerfile": "x" * 2**21}, "at most 1048576 travel"),
    ],
)
def test_a_bad_context_is_refused(context: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        DockerBuild(name="mine:1", context=context)


def test_a_folder_that_is_missing_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="there is no folder"):
        _read_all(tmp_path / "missing")
    (tmp_path / "binary").write_bytes(b"\xff")
    with pytest.raises(RenderError, match="cannot be read as text"):
        _read_all(tmp_path)
