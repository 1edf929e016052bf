"""The host decides if a container is replaced or made; Docker is a stub that keeps a log."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from shells import EACH_SHELL, run

from provision.steps.docker.container.container import DockerContainer

Shell = tuple[str, ...]
DOCKER = r"""#!/bin/sh
echo "$1 $2" >>"${0%/*}/log"
[ "$1 $2" != 'container inspect' ] || [ -e "${0%/*}/container" ]
"""
STEP = DockerContainer(name="web", image="nginx:1.25")


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    return tmp_path


def calls(shell: Shell, tools: Path) -> list[str]:
    env = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    done = run(shell, STEP.apply(STEP.plan({})), strict=True, env=env)
    assert done.exit == 0, done.stderr
    return (tools / "log").read_text().splitlines()


@EACH_SHELL
def test_one_that_is_missing_is_run(shell: Shell, tools: Path) -> None:
    assert calls(shell, tools) == ["container inspect", "run --detach"]


@EACH_SHELL
def test_one_that_is_there_is_removed_first(shell: Shell, tools: Path) -> None:
    (tools / "container").touch()
    assert calls(shell, tools) == [
        *("container inspect", "stop -t", "rm --force"),
        "run --detach",
    ]
