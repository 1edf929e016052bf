"""Replacement and rollback of a Ray container, killed at every call of a fake Docker.

It keeps each container as a folder, and at a chosen call kills its caller.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.model.shell import Reply, Sh
from provision.ray.steps.node.base import RayNode
from provision.ray.steps.node.roles import RayHead, RayWorker
from provision.ray.steps.rollback import RayPrevious

NAME, PREVIOUS = "ray-lab", "ray-lab-previous"
MOST_CALLS = 20
DOCKER = r"""#!/bin/sh
calls=$(($(cat calls 2>/dev/null || echo 0) + 1))
echo $calls >calls
[ "$calls" != "$KILL_AT" ] || kill -9 0
for last; do :; done
require() { [ -d "$1" ] || { echo "Error: No such container: $1" >&2; exit 1; }; }
case $1 in
container)
    require "$last"
    case $4 in
    now.*|then.*)
        side=${4%%.*}
        for field in status health restart created image_id cluster run spec; do
            echo "$side.$field=$(cat "$last/$field")"
        done ;;
    *provision.cluster*provision.run*) echo "$(cat "$last/cluster") $(cat "$last/run")" ;;
    *provision.cluster*) cat "$last/cluster" ;;
    *provision.run*) cat "$last/run" ;;
    *RestartCount*) echo "$(cat "$last/restarts" || echo 0) $(cat "$last/status")" ;;
    esac ;;
inspect)
    case $3 in *Status}}{{with*) ;; *) exit 1 ;; esac
    echo "$(cat "$last/status") $(cat "$last/health")" ;;
stop) require "$last"; echo exited >"$last/status"; echo no >"$last/health" ;;
rm) require "$last"; rm -r "$last" ;;
rename) require "$2"; [ ! -e "$3" ] || exit 1; mv "$2" "$3" ;;
update) require "$last"; echo "$3" >"$last/restart" ;;
start) require "$last"; echo running >"$last/status"; echo healthy >"$last/health" ;;
cp) [ -e "${2%%:*}/was_healthy" ] ;;
run)
    [ ! -e ray-lab ] || exit 1
    mkdir ray-lab
    echo new >ray-lab/id; echo running >ray-lab/status; echo starting >ray-lab/health
    echo lab >ray-lab/cluster; echo this >ray-lab/run ;;
*) exit 1 ;;
esac
"""


@pytest.fixture
def docker(tmp_path: Path) -> Path:
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    return tmp_path


def container(folder: Path, name: str, made: str, **more: str) -> None:
    running = {"status": "running", "health": "healthy", "restart": "unless-stopped"}
    known = {"created": made, "image_id": "i", "spec": '{"image": "x"}'}
    (folder / name).mkdir()
    fields = {"id": made, "cluster": "lab", "run": made, **running, **known, **more}
    for key, value in fields.items():
        (folder / name / key).write_text(f"{value}\n")


def field(folder: Path, name: str, key: str) -> str:
    path = folder / name / key
    return path.read_text().strip() if path.exists() else ""


def run(folder: Path, sh: Sh, kill_at: int = 0) -> subprocess.CompletedProcess[str]:
    (folder / "calls").unlink(missing_ok=True)
    environment = {**os.environ, "KILL_AT": str(kill_at)}
    environment["PATH"] = f"{folder}:{environment['PATH']}"
    return subprocess.run(
        ("sh", "-eu", "-s"),
        input=sh.render(),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )


HEAD = RayHead(
    cluster="lab",
    image="rayproject/ray:2.60.0",
    address="10.0.0.1",
    data_dir="/srv/ray",
    auth=False,
    run="this",
)
SHARED = {"cluster", "image", "address", "data_dir", "auth"}
CHANGES = [Change("--num-cpus", "1", "2")]


WORKER = RayWorker(
    **HEAD.model_dump(include=SHARED), head="127.0.0.1", ports={"head": 1}
)


def replace() -> Sh:
    sh = HEAD.apply(CHANGES)
    return Sh(sh.text, sh.args, {**sh.params, "drain_s": "1"})


def put_back() -> Sh:
    return HEAD.put_back({"status": "running", "health": "healthy"}, CHANGES)


def goes_back(step: RayNode, state: State, changes: list[Change]) -> bool:
    return step.put_back(state, changes).params["goes_back"] == "true"


@pytest.mark.parametrize("kill_at", range(1, MOST_CALLS))
def test_a_replacement_interrupted_anywhere_is_finished_by_the_next(
    docker: Path, kill_at: int
) -> None:
    container(docker, NAME, "good", was_healthy="")
    container(docker, PREVIOUS, "older", was_healthy="")
    first = run(docker, replace(), kill_at)
    if field(docker, NAME, "id") != "new":
        assert first.returncode != 0
        assert (docker / NAME).exists() or (docker / PREVIOUS).exists()
        assert run(docker, replace()).returncode == 0
    assert field(docker, NAME, "id") == "new"
    assert field(docker, PREVIOUS, "id") == "good"


@pytest.mark.parametrize("kill_at", range(1, MOST_CALLS))
def test_going_back_interrupted_anywhere_leaves_the_good_container(
    docker: Path, kill_at: int
) -> None:
    container(docker, NAME, "good", was_healthy="")
    assert run(docker, replace()).returncode == 0
    first = run(docker, put_back(), kill_at)
    if first.returncode == 0:
        assert "kept the old one: it runs again, and is healthy" in first.stdout
        assert field(docker, NAME, "id") == "good"
        assert field(docker, NAME, "restart") == "unless-stopped"
        assert not (docker / PREVIOUS).exists()
    else:
        assert "good" in {field(docker, name, "id") for name in (NAME, PREVIOUS)}
        assert run(docker, replace()).returncode == 0, "the next deploy goes on"
        assert field(docker, PREVIOUS, "id") == "good"


def test_only_a_container_of_this_run_is_taken_away(docker: Path) -> None:
    container(docker, NAME, "of another run")
    container(docker, PREVIOUS, "good", was_healthy="")
    assert run(docker, put_back()).stdout == ""
    assert field(docker, NAME, "id") == "of another run"


@pytest.mark.parametrize(
    ("status", "restarts", "step", "stops"),
    [
        ("restarting", "3", HEAD, True),
        ("running", "0", HEAD, False),
        ("running", "1", HEAD, False),
        # Nobody listens at port 1: a worker waits for its head.
        ("restarting", "3", WORKER, False),
    ],
)
def test_one_that_has_none_to_go_back_to_is_stopped(
    docker: Path, status: str, restarts: str, step: RayNode, stops: bool
) -> None:
    container(docker, NAME, "this", status=status, restarts=restarts)
    done = run(docker, step.put_back({}, [Change("container", None, "x")]))
    assert (done.returncode, done.stderr) == (0, "")
    assert ("is stopped" in done.stdout) is stops
    assert field(docker, NAME, "status") == ("exited" if stops else status)
    assert field(docker, NAME, "restart") == ("no" if stops else "unless-stopped")


@pytest.mark.parametrize(
    ("health", "changed"),
    [
        ("unhealthy", "--num-cpus"),
        ("starting", "--num-cpus"),
        ("healthy", "health"),
        ("healthy", "file./srv/ray/auth_token"),
        ("healthy", "--port"),
    ],
)
def test_a_node_goes_back_only_to_what_works_in_the_cluster(
    health: str, changed: str
) -> None:
    state = {"status": "running", "health": health}
    assert not goes_back(HEAD, state, [Change(changed, "1", "2")])


def test_a_worker_does_not_go_back_to_another_version_than_its_head_has() -> None:
    state = {"status": "running", "health": "healthy"}
    at_once = [Change("full_restart", None, "x"), Change("image", "a", "b")]
    worker = RayWorker(**HEAD.model_dump(include=SHARED), head="10.0.0.9")
    assert not goes_back(worker, state, at_once)
    assert goes_back(HEAD, state, at_once), "the others are still as they were"


def test_a_node_stays_as_it_is_where_that_is_asked_for() -> None:
    head = HEAD.model_copy(update={"keep_old": False})
    assert not goes_back(head, {"status": "running", "health": "healthy"}, CHANGES)


def test_a_container_that_was_never_healthy_does_not_replace_one_that_was(
    docker: Path,
) -> None:
    container(docker, NAME, "bad")
    container(docker, PREVIOUS, "good", was_healthy="")
    assert run(docker, replace()).returncode == 0
    assert field(docker, PREVIOUS, "id") == "good"


def test_the_kept_container_is_not_started_by_docker(docker: Path) -> None:
    container(docker, NAME, "good", was_healthy="")
    assert run(docker, replace()).returncode == 0
    assert field(docker, PREVIOUS, "restart") == "no"
    assert field(docker, PREVIOUS, "status") == "exited"


@pytest.mark.parametrize("undo", [False, True])
def test_a_previous_container_of_someone_else_stops_it(
    docker: Path, undo: bool
) -> None:
    container(docker, NAME, "good", was_healthy="")
    container(docker, PREVIOUS, "theirs", cluster="")
    step = RayPrevious(cluster="lab", data_dir=str(docker))
    sh = step.apply([Change("created", "a", "b")]) if undo else replace()
    done = run(docker, sh)
    assert done.returncode != 0 and "not made by provision" in done.stderr
    assert field(docker, NAME, "id") == "good"
    assert field(docker, PREVIOUS, "id") == "theirs"


def changes(folder: Path, step: RayPrevious) -> list[Change]:
    probe = run(folder, step.probe())
    assert probe.returncode == 0, probe.stderr
    return step.plan(step.observe(Reply(probe.stdout)))


@pytest.mark.parametrize("kill_at", range(1, MOST_CALLS))
def test_a_rollback_interrupted_anywhere_is_finished_by_the_next(
    docker: Path, kill_at: int
) -> None:
    container(docker, NAME, "new")
    container(docker, PREVIOUS, "good", status="exited", restart="no")
    step = RayPrevious(cluster="lab", data_dir=str(docker), run="new")
    run(docker, step.apply(changes(docker, step)), kill_at)
    for _ in range(2):
        if left := changes(docker, step):
            assert run(docker, step.apply(left)).returncode == 0
    assert field(docker, NAME, "id") == "good"
    assert field(docker, NAME, "status") == "running"
    assert field(docker, NAME, "restart") == "unless-stopped"
    assert not (docker / PREVIOUS).exists()
    assert step.observe(Reply(run(docker, step.probe()).stdout))["undone.run"] == "new"


def test_a_host_that_was_replaced_by_an_earlier_run_is_not_touched(
    docker: Path,
) -> None:
    container(docker, NAME, "before")
    container(docker, PREVIOUS, "long-ago", status="exited", restart="no")
    assert (
        changes(docker, RayPrevious(cluster="lab", data_dir=str(docker), run="last"))
        == []
    )
    stale = RayPrevious(cluster="lab", data_dir=str(docker), run="last").apply(
        [Change("created", "a", "b")]
    )
    done = run(docker, stale)
    assert done.returncode != 0 and "after it was probed" in done.stderr
    assert field(docker, NAME, "id") == "before"


@pytest.mark.parametrize("run_id", ["", "new"])
def test_a_container_of_someone_else_is_not_rolled_back(
    docker: Path, run_id: str
) -> None:
    container(docker, NAME, "new", cluster="", status="exited", restart="no")
    container(docker, PREVIOUS, "good", status="exited", restart="no")
    step = RayPrevious(cluster="lab", data_dir=str(docker), run=run_id)
    with pytest.raises(RefusedError, match="ray-lab is there that was not made by"):
        changes(docker, step)
    done = run(docker, step.apply([Change("created", "a", "b")]))
    assert done.returncode != 0
    assert field(docker, NAME, "status") == "exited"
    assert field(docker, PREVIOUS, "id") == "good"


@pytest.mark.parametrize(
    ("health", "stays"), [("running healthy", True), ("restarting ", False)]
)
def test_a_node_that_cannot_be_asked_does_not_count_as_drained(
    docker: Path, health: str, stays: bool
) -> None:
    """As when Docker cannot start a process in it for lack of memory."""
    container(docker, NAME, "good", was_healthy="")
    text = DOCKER.replace("case $1 in", f"case $1 in\ninspect) echo '{health}' ;;", 1)
    (docker / "docker").write_text(text.replace("sleep 2", "true"))
    done = run(docker, replace())
    assert (done.returncode != 0) == stays
    assert ("cannot drain ray-lab" in done.stderr) == stays
    assert field(docker, NAME, "id") == ("good" if stays else "new")


ASKED = """exec) case "$*" in
    *cmdline*) echo --node_id=abc ;;
    *drain-node*) echo "not now"; exit {answer} ;;
    esac ;;"""


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (1, "Ray refuses to drain this node:\nnot now"),
        (124, "has not answered for 60 s"),
        (143, "has not answered for 60 s"),
    ],
)
def test_a_ray_that_does_not_answer_is_told_from_one_that_refuses(
    docker: Path, answer: int, words: str
) -> None:
    """The exit codes of timeout(1) stand for a minute without an answer."""
    container(docker, NAME, "good", was_healthy="")
    exec_ = ASKED.format(answer=answer)
    (docker / "docker").write_text(
        DOCKER.replace("case $1 in", f"case $1 in\n{exec_}", 1)
    )
    done = run(docker, replace())
    assert done.returncode != 0
    assert words in done.stderr
    assert ("refuses" in done.stderr) == ("refuses" in words)
    assert field(docker, NAME, "id") == "good"
