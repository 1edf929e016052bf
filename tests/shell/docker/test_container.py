"""A container is replaced, and the old one comes back if Docker refuses the new one.

Docker is a stub that keeps a folder for each container.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from shells import EACH_SHELL, run

from provision.model.shell import Reply, Sh
from provision.steps.docker.container.container import DockerContainer

Shell = tuple[str, ...]
DOCKER = r"""#!/bin/sh
cd "${0%/*}" || exit
for last; do :; done
case "$1 $2" in
'container inspect')
    cat "$last/id" 2>/dev/null >/dev/null || exit 1
    case $4 in *RestartCount*)
        # Each look finds one restart more.
        cat "$last/restarts"
        [ ! -e "$last/grows" ] || echo "$(($(cut -d' ' -f1 "$last/restarts") + 1)) running" >"$last/restarts"
    esac ;;
stop*) echo stopped >"$last/status" ;;
start*) echo running >"$last/status" ;;
rm*)
    [ ! -e killed ] || { rm killed; kill -KILL "$PPID"; exit; }
    rm -r "$last" ;;
rename*) [ ! -e "$3" ] && mv "$2" "$3" ;;
update*) echo "$3" >"$last/policy" ;;
run*)
    for word; do [ "$word" != --restart ] || policy=next; [ "${policy:-}" != next ] ||
        [ "$word" = --restart ] || policy=$word; done
    mkdir web && echo "$policy" >web/policy && echo new >web/id && echo running >web/status
    [ ! -e refuses ] || { echo created >web/status; exit 125; } ;;
esac
"""
STEP = DockerContainer(name="web", image="nginx:1.25")


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    return tmp_path


def container(tools: Path, name: str, **fields: str) -> None:
    (tools / name).mkdir()
    for field, value in {"id": "old", "status": "running", **fields}.items():
        (tools / name / field).write_text(f"{value}\n")


def containers(tools: Path) -> dict[str, tuple[str, ...]]:
    """The containers that there are, with their id and status."""
    return {
        path.name: tuple((path / f).read_text().strip() for f in ("id", "status"))
        for path in tools.iterdir()
        if path.is_dir()
    }


def sent(shell: Shell, tools: Path, sh: Sh) -> Reply:
    env = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    return run(shell, sh, strict=True, env=env)


def replaced(shell: Shell, tools: Path) -> Reply:
    return sent(shell, tools, STEP.apply(STEP.plan({})))


@EACH_SHELL
def test_one_that_is_missing_is_run(shell: Shell, tools: Path) -> None:
    assert replaced(shell, tools).exit == 0
    assert containers(tools) == {"web": ("new", "running")}


@EACH_SHELL
@pytest.mark.parametrize(
    "there", [["web"], ["web.provision-before"], ["web", "web.provision-before"]]
)
def test_one_that_is_there_is_replaced(
    shell: Shell, tools: Path, there: list[str]
) -> None:
    for name in there:
        container(tools, name)
    assert replaced(shell, tools).exit == 0
    assert containers(tools) == {"web": ("new", "running")}


@EACH_SHELL
def test_what_a_run_leaves_that_is_killed_at_its_last_step_is_found_and_goes(
    shell: Shell, tools: Path
) -> None:
    container(tools, "web")
    (tools / "killed").touch()
    assert replaced(shell, tools).exit != 0
    assert set(containers(tools)) == {"web", "web.provision-before"}
    policy = (tools / "web/policy").read_text().strip()
    state = {**STEP.desired(), "restart": policy}
    changes = STEP.plan(state)
    assert [str(change) for change in changes] == ["restart: no -> unless-stopped"]
    assert sent(shell, tools, STEP.apply(changes)).exit == 0
    assert containers(tools) == {"web": ("new", "running")}
    assert (tools / "web/policy").read_text() == "unless-stopped\n"


@EACH_SHELL
@pytest.mark.parametrize("there", ["web", "web.provision-before"])
def test_one_that_docker_refuses_is_taken_away_again(
    shell: Shell, tools: Path, there: str
) -> None:
    container(tools, there)
    (tools / "refuses").touch()
    done = replaced(shell, tools)
    assert done.exit == 125
    assert "was there before runs again" in done.stderr
    assert containers(tools) == {"web": ("old", "running")}


@EACH_SHELL
@pytest.mark.parametrize(
    ("restarts", "grows", "stops"),
    [
        ("0 running", False, False),
        ("0 exited", False, False),
        ("5 running", False, False),
        ("5 exited", False, False),
        ("5 running", True, True),
        ("1 restarting", False, True),
    ],
)
def test_one_that_is_started_again_and_again_is_stopped(
    shell: Shell, tools: Path, restarts: str, grows: bool, stops: bool
) -> None:
    more = {"grows": ""} if grows else {}
    container(tools, "web", restarts=restarts, **more)
    (tools / "sleep").write_text("#!/bin/sh\n")
    (tools / "sleep").chmod(0o755)
    done = sent(shell, tools, STEP.put_back({}, STEP.plan({})))
    assert (done.exit, done.stderr) == (0, "")
    assert ("is stopped" in done.stdout) is stops
    assert containers(tools)["web"][1] == ("stopped" if stops else "running")


@EACH_SHELL
def test_one_that_is_missing_need_not_be_stopped(shell: Shell, tools: Path) -> None:
    assert sent(shell, tools, STEP.put_back({}, [])) == Reply()
