"""A node that is a process of this machine, stopped on purpose and started again."""

from __future__ import annotations

import getpass
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from shells import EACH_SHELL

from provision.errors import RefusedError
from provision.model.change import State
from provision.model.shell import Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import parse_lines
from provision.ray.steps.running.running import RayOnHost, RayStarted, RayStopped
from provision.ray.steps.stop_mark import mark

MARK = read_shell(mark.__file__, "mark.sh")
pytestmark = pytest.mark.skipif(
    Path("/run/systemd/system").exists(), reason="systemd would be asked for its units"
)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Path]:
    """A folder of Ray with a node that is no Ray, and does not run yet."""
    process = tmp_path / "process"
    process.mkdir()
    (process / "spec").write_text("ray_version=2.60.0\n")
    (process / "reads").write_text("")
    (process / "user").write_text(f"{getpass.getuser()}\n")
    (process / "start").write_text("exec sleep 300\n")
    yield tmp_path
    if pid := node(tmp_path):
        os.kill(pid, 9)


def run(sh: Sh, shell: tuple[str, ...] = ("sh",)) -> Reply:
    done = subprocess.run(
        (*shell, "-eu", "-s"),
        input=sh.render(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Reply(done.stdout, done.stderr, done.returncode)


def node(folder: Path) -> int:
    """The id of the process that runs; 0 = none."""
    file = folder / "process/pid"
    pid = int(file.read_text().split()[0]) if file.exists() else 0
    state = Path(f"/proc/{pid}/stat")
    if not pid or not state.exists():
        return 0
    return 0 if state.read_text().rpartition(")")[2].split()[0] == "Z" else pid


def stopped(folder: Path, by: str = "anna@laptop") -> RayStopped:
    about = {"cluster": "no-such", "data_dir": str(folder), "runtime": "pip"}
    return RayStopped(**about, by=by, drain_s=0)


def started(folder: Path) -> RayStarted:
    # Nothing listens on port 1: the node does not count as healthy.
    about = {"cluster": "no-such", "data_dir": str(folder), "runtime": "pip"}
    return RayStarted(**about, ports={"agent": 1})


def seen(step: RayOnHost, shell: tuple[str, ...] = ("sh",)) -> State:
    reply = run(step.probe(), shell)
    assert reply.exit == 0, reply.stderr
    return step.observe(reply)


def change(step: RayOnHost, shell: tuple[str, ...] = ("sh",)) -> bool:
    """Plan and apply *step*; return whether there was something to change."""
    changes = step.plan(seen(step, shell))
    if changes:
        done = run(step.apply(changes), shell)
        assert done.exit == 0, done.stderr
    return bool(changes)


def mark_of(folder: Path, shell: tuple[str, ...] = ("sh",)) -> str:
    """Return the state of the node that a deploy observes."""
    sh = Sh(f"{MARK}print_stop_mark\n", (), {"stop_mark": f"{folder}/stopped"})
    return mark.purpose(parse_lines(run(sh, shell).stdout))


@EACH_SHELL
def test_it_stops_with_a_mark_and_starts_without(
    host: Path, shell: tuple[str, ...]
) -> None:
    assert change(started(host), shell)
    assert node(host)
    assert mark_of(host, shell) == ""

    assert change(stopped(host), shell)
    assert not node(host)
    assert re.fullmatch(
        r"stopped on purpose since \d{4}-\d\d-\d\d \d\d:\d\d UTC by anna@laptop",
        mark_of(host, shell),
    )
    assert not change(stopped(host, by="berta@desk"), shell)
    assert mark_of(host, shell).endswith("by anna@laptop")

    assert change(started(host), shell)
    assert node(host)
    assert mark_of(host, shell) == ""
    assert not (host / "stopped").exists()


def test_one_that_runs_is_not_started_twice(host: Path) -> None:
    change(started(host))
    first = node(host)
    change(started(host))  # it is not healthy yet, so that there is something to change
    assert node(host) == first


def test_a_node_that_runs_or_is_gone_is_not_called_stopped(host: Path) -> None:
    change(stopped(host))
    change(started(host))
    (host / "stopped").write_text(f"since then by me\nprocess no-unit {host}/process\n")
    assert mark_of(host) == "", "somebody has started it since"
    (host / "stopped").unlink()
    change(stopped(host))
    (host / "process/spec").unlink()
    assert mark_of(host) == "", "a process that is gone is not one that is stopped"


def test_a_host_that_is_not_deployed_is_refused(tmp_path: Path) -> None:
    for step in (stopped(tmp_path), started(tmp_path)):
        with pytest.raises(RefusedError, match=f"no process of it in {tmp_path}"):
            step.plan(seen(step))
