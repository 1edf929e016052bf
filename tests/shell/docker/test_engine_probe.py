"""The probe of an engine, on hosts in several states; docker and systemctl are stubs."""

from __future__ import annotations

from pathlib import Path

import pytest
from shells import EACH_SHELL, bare_tools, run_bare

from provision.steps.docker.engine.engine import DockerEngine

Shell = tuple[str, ...]
SYSTEMD = Path("/run/systemd/system")
DOCKER = """#!/bin/sh
case "$1" in
version) {version} ;;
info) echo {swarm} ;;
--version) echo "podman version 4.3.1" ;;
esac
"""
SYSTEMCTL = """#!/bin/sh
echo {state}
[ {state} = enabled ]
"""


def found(shell: Shell, tools: Path, **programs: str) -> dict[str, str]:
    for name, text in programs.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    step = DockerEngine()
    state = dict(step.observe(run_bare(shell, step.probe(), tools)))
    return {k: v for k, v in state.items() if k not in {"file", "loaded"}}


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    return bare_tools(tmp_path / "bin")


def docker(version: str = "echo 26.1", swarm: str = "inactive") -> str:
    return DOCKER.format(version=version, swarm=swarm)


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
    state = found(shell, tools, dockerd="#!/bin/sh\n", docker=docker(swarm="active"))
    assert (state["running"], state["swarm"]) == ("true", "active")


@pytest.mark.skipif(not SYSTEMD.exists(), reason="no systemd here; the lab has it")
@EACH_SHELL
@pytest.mark.parametrize(
    ("state", "seen"),
    [("masked", "masked"), ("not-found", "missing"), ("'No such file'", "missing")],
)
def test_a_unit_that_cannot_start_it(
    shell: Shell, tools: Path, state: str, seen: str
) -> None:
    systemctl = SYSTEMCTL.format(state=state)
    there = found(shell, tools, docker=docker(), systemctl=systemctl)
    assert there["unit"] == seen
