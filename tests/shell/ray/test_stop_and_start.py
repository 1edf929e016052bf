"""A node that is stopped on purpose, killed at every call of a fake Docker, and started again."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from shells import EACH_SHELL

from provision.model.change import State
from provision.model.shell import Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import parse_lines
from provision.ray.steps.running.notes import RayStopNoted, RayStopNotNoted
from provision.ray.steps.running.running import RayOnHost, RayStarted, RayStopped
from provision.ray.steps.stop_mark import mark
from provision.ray.steps.stop_mark.mark import purpose

MOST_CALLS = 12
MARK = read_shell(mark.__file__, "mark.sh")
DOCKER = r"""#!/bin/sh
calls=$(($(cat calls 2>/dev/null || echo 0) + 1))
echo $calls >calls
[ "$calls" != "$KILL_AT" ] || kill -9 0
for last; do :; done
require() { [ -e "$1" ] || { echo "Error: No such container: $1" >&2; exit 1; }; }
case $1 in
container)
    require "$last"
    case $4 in
    status=*) printf 'status=%s\ncluster=lab\n' "$(cat "$last")" ;;
    *) cat "$last" ;;
    esac ;;
inspect) echo "$(cat "$last") healthy" ;;
exec) echo '--node_id=abc' ;;
stop) require "$last"; echo exited >"$last" ;;
start) require "$last"; echo running >"$last" ;;
*) exit 1 ;;
esac
"""


@pytest.fixture
def host(tmp_path: Path) -> Path:
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    (tmp_path / "ray-lab").write_text("running\n")
    return tmp_path


def run(
    folder: Path, sh: Sh, kill_at: int = 0, shell: tuple[str, ...] = ("sh",)
) -> subprocess.CompletedProcess[str]:
    (folder / "calls").unlink(missing_ok=True)
    environment = {**os.environ, "KILL_AT": str(kill_at)}
    environment["PATH"] = f"{folder}:{environment['PATH']}"
    return subprocess.run(
        (*shell, "-eu", "-s"),
        input=sh.render(),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )


def stopped(folder: Path, by: str = "anna@laptop") -> RayStopped:
    return RayStopped(cluster="lab", data_dir=str(folder), by=by, drain_s=0)


def started(folder: Path) -> RayStarted:
    # Nothing listens on port 1: the node does not count as healthy.
    return RayStarted(cluster="lab", data_dir=str(folder), ports={"agent": 1})


def seen(folder: Path, step: RayOnHost) -> State:
    done = run(folder, step.probe())
    return step.observe(Reply(done.stdout, done.stderr, done.returncode))


def change(folder: Path, step: RayOnHost, kill_at: int = 0) -> bool:
    """Plan and apply *step*; return whether there was something to change."""
    changes = step.plan(seen(folder, step))
    if changes:
        run(folder, step.apply(changes), kill_at)
    return bool(changes)


def mark_of(folder: Path) -> str:
    """Return the state of the node that a deploy observes."""
    sh = Sh(f"{MARK}print_stop_mark\n", (), {"stop_mark": f"{folder}/stopped"})
    return purpose(parse_lines(run(folder, sh).stdout))


@pytest.mark.parametrize("kill_at", range(1, MOST_CALLS))
def test_a_stop_interrupted_anywhere_is_finished_by_the_next(
    host: Path, kill_at: int
) -> None:
    change(host, stopped(host), kill_at)
    change(host, stopped(host))
    assert (host / "ray-lab").read_text() == "exited\n"
    assert not change(host, stopped(host))


def test_the_mark_says_when_and_by_whom_and_goes_with_the_start(host: Path) -> None:
    assert change(host, stopped(host))
    assert re.fullmatch(
        r"stopped on purpose since \d{4}-\d\d-\d\d \d\d:\d\d UTC by anna@laptop",
        mark_of(host),
    )
    assert change(host, started(host))
    assert (host / "ray-lab").read_text() == "running\n"
    assert mark_of(host) == ""
    assert not (host / "stopped").exists()


def test_the_first_who_stopped_it_stays_named(host: Path) -> None:
    change(host, stopped(host))
    assert not change(host, stopped(host, by="berta@desk"))
    assert mark_of(host).endswith("by anna@laptop")


def test_a_node_that_somebody_started_since_is_not_called_stopped(host: Path) -> None:
    change(host, stopped(host))
    (host / "ray-lab").write_text("running\n")
    assert mark_of(host) == ""
    (host / "ray-lab").unlink()
    assert mark_of(host) == "", "a container that is gone is not one that is stopped"


def test_a_node_that_ended_by_itself_is_no_stopped_one(host: Path) -> None:
    (host / "ray-lab").write_text("exited\n")
    assert mark_of(host) == ""
    assert change(host, stopped(host)), "and stopping it makes it one"
    assert mark_of(host)


@EACH_SHELL
def test_notes_of_workers_come_and_go(tmp_path: Path, shell: tuple[str, ...]) -> None:
    nodes = ("10.0.0.2", "fd00::3")
    noted = RayStopNoted(data_dir=str(tmp_path), nodes=nodes)
    gone = RayStopNotNoted(data_dir=str(tmp_path), nodes=nodes[:1])

    def look(step: RayStopNoted | RayStopNotNoted) -> State:
        done = run(tmp_path, step.probe(), shell=shell)
        return step.observe(Reply(done.stdout, done.stderr, done.returncode))

    run(tmp_path, noted.apply(noted.plan(look(noted))), shell=shell)
    assert noted.plan(look(noted)) == []
    run(tmp_path, gone.apply(gone.plan(look(gone))), shell=shell)
    assert gone.plan(look(gone)) == []
    assert look(noted) == {"node.fd00::3": "noted"}
