"""The probe of an engine, on hosts in several states; docker is a stub."""

from __future__ import annotations

from pathlib import Path

import pytest
from shells import EACH_SHELL, bare_tools, run_bare, without_room

from provision.errors import RefusedError
from provision.steps.docker.engine.engine import DockerEngine

Shell = tuple[str, ...]
DOCKER = """#!/bin/sh
case "$1" in
version | info) {version} ;;
--version) echo "podman version 4.3.1" ;;
esac
"""


def found(shell: Shell, tools: Path, **programs: str) -> dict[str, str]:
    for name, text in programs.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    step = DockerEngine()
    state = dict(step.observe(run_bare(shell, step.probe(), tools)))
    apart = {"file", "loaded", "init"}
    return {k: v for k, v in without_room(state).items() if k not in apart}


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    return bare_tools(tmp_path / "bin")


def docker(answer: str = "echo '26.1 inactive [name=seccomp]'") -> str:
    return DOCKER.format(version=answer)


@EACH_SHELL
def test_a_bare_host_has_nothing(shell: Shell, tools: Path) -> None:
    assert found(shell, tools) == {}


@EACH_SHELL
def test_an_engine_without_a_client(shell: Shell, tools: Path) -> None:
    state = found(shell, tools, dockerd="#!/bin/sh\n")
    assert state["engine"] == "installed"
    assert "client" not in state
    assert "running" not in state, "nothing can ask it"


@EACH_SHELL
def test_one_that_is_stopped(shell: Shell, tools: Path) -> None:
    state = found(shell, tools, dockerd="#!/bin/sh\n", docker=docker("exit 1"))
    assert (state["client"], state["running"]) == ("installed", "false")


@EACH_SHELL
def test_a_member_of_a_swarm(shell: Shell, tools: Path) -> None:
    answer = "echo '26.1 active [name=seccomp]'"
    state = found(shell, tools, dockerd="#!/bin/sh\n", docker=docker(answer))
    assert (state["running"], state["swarm"]) == ("true", "active")


@EACH_SHELL
def test_one_that_remaps_users(shell: Shell, tools: Path) -> None:
    answer = "echo '26.1 inactive [name=seccomp,profile=default name=userns]'"
    state = found(shell, tools, dockerd="#!/bin/sh\n", docker=docker(answer))
    assert (state["version"], state["userns"]) == ("26.1", "remapped")
    assert "swarm" not in state


@EACH_SHELL
@pytest.mark.parametrize("answer", ["exit 125", "echo '4.3.1  []'"])
def test_one_of_podman_has_the_place_of_an_engine(
    shell: Shell, tools: Path, answer: str
) -> None:
    """Podman's `docker` may not even answer, as where its network cannot be set up."""
    state = found(shell, tools, docker=docker(answer))
    assert state["program"] == "podman version 4.3.1"
    assert state["unit"] == "missing"
    with pytest.raises(RefusedError, match=r"not that of an engine .*: podman version"):
        DockerEngine().plan(state)


@EACH_SHELL
def test_a_docker_that_says_nothing_is_no_client(shell: Shell, tools: Path) -> None:
    state = found(shell, tools, docker="#!/bin/sh\nexit 1\n")
    with pytest.raises(RefusedError, match="it does not say"):
        DockerEngine().plan(state)


@EACH_SHELL
def test_a_client_without_an_engine_has_none(shell: Shell, tools: Path) -> None:
    client = docker("exit 1").replace("podman version 4.3.1", "Docker version 26.1, x")
    assert found(shell, tools, docker=client) == {}
