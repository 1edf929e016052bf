"""Containers that Docker starts again and again; Docker is a stand-in that plays a script."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from shells import EACH_SHELL, NOT_BUSYBOX, run

from provision.model.change import Change
from provision.model.shell import Reply
from provision.steps.docker.container.container import STEADY_S, DockerContainer

Shell = tuple[str, ...]
STEP = DockerContainer(name="web", image="nginx:1.25")
STARTED = DockerContainer(name="web", image="nginx:1.25", env={"A": "started=x"})
SPEC = json.dumps(STARTED.spec())
INSPECT = """#!/bin/sh
echo "$1" >>"{folder}/calls"
printf '%s\\n' 'status=running' 'health=' 'restart=unless-stopped'
printf '%b' '{restarts}'
printf '%s\\n' 'image_id=sha256:1' 'files_then=' 'spec={spec}' 'image_now=sha256:1'
"""
"""Answers as the format of the probe makes Docker 20.10 answer."""
DOCKER = """#!/bin/sh
case "$1 $2" in
'container inspect')
    case $4 in
    *RestartCount*) cat "{folder}/now"
        [ -s "{folder}/next" ] && mv "{folder}/next" "{folder}/now" ;;
    *) echo '{state}' ;;
    esac ;;
*) echo "$1" >>"{folder}/calls" ;;
esac
exit 0
"""

CLOCK = """#!/bin/sh
now=$(($(cat "{folder}/clock") + 2))
echo $now >"{folder}/clock"
echo $now
"""
"""Each look at it is two seconds after the last."""


def install(folder: Path, text: str) -> dict[str, str]:
    """Write the stand-in; return an environment that has it, and a clock that leaps."""
    programs = {"docker": text, "sleep": "#!/bin/sh\n"}
    programs["date"] = CLOCK.format(folder=folder)
    if "RestartCount" not in text:
        programs = {"docker": text}
    for name, program in programs.items():
        (folder / name).write_text(program)
        (folder / name).chmod(0o755)
    (folder / "clock").write_text("1000\n")
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


def probed(shell: Shell, folder: Path, restarts: int, ago_s: float, ends: str) -> Reply:
    at = datetime.now(UTC) - timedelta(seconds=ago_s)
    stamp = at.strftime("%Y-%m-%dT%H:%M:%S") + ends
    shown = rf"restarts={restarts}\nstarted={stamp}\n" if restarts else ""
    env = install(folder, INSPECT.format(folder=folder, restarts=shown, spec=SPEC))
    return run(shell, STEP.probe(), env=env)


@EACH_SHELL
@pytest.mark.parametrize("ends", [".123456789Z", "Z"])
def test_the_last_start_is_told_the_same_at_each_look(
    shell: Shell, tmp_path: Path, ends: str
) -> None:
    reply = probed(shell, tmp_path, 4, 17, ends)
    assert probed(shell, tmp_path, 4, 3, ends) == reply, "a guard compares it"
    (tmp_path / "calls").unlink()
    assert (
        STEP.observe(probed(shell, tmp_path, 4, 125, ends))["restarted_lately"]
        == "false"
    )
    state = STEP.observe(reply)
    assert state["restarts"] == "4"
    assert state["restarted_lately"] == "true"
    assert "started" not in state, "the time would differ at each look"
    assert (state["image_id"], state["env.A"]) == ("sha256:1", "started=x")
    assert STARTED.plan(state) == [Change("restarts", "4", "0")]
    assert (tmp_path / "calls").read_text() == "inspect\n", "one process of Docker"


@EACH_SHELL
def test_one_that_was_never_started_again_has_no_age(
    shell: Shell, tmp_path: Path
) -> None:
    state = STEP.observe(probed(shell, tmp_path, 0, 17, "Z"))
    assert not {"restarts", "restarted_lately"} & state.keys()
    assert state["image_now"] == "sha256:1"


@pytest.mark.parametrize(
    ("restarts", "lately", "is_one"),
    [(3, "true", True), (3, "false", False), (2, "true", False), (90, "true", True)],
)
def test_three_restarts_are_a_difference_for_two_minutes(
    restarts: int, lately: str, is_one: bool
) -> None:
    state = {**STEP.desired(), "restarts": str(restarts), "restarted_lately": lately}
    found = [Change("restarts", str(restarts), "0")] if is_one else []
    assert STEP.plan(state) == found


def test_a_plan_does_not_have_it_after_a_step_that_mends_it() -> None:
    state = {**STEP.desired(), "restarts": "4", "restarted_lately": "true"}
    written = STEP.writes(STEP.plan(state))
    after = STEP.foresee(state, written)
    assert after is not None
    assert STEP.plan(after) == []


def watch(
    shell: Shell, folder: Path, state: str, now: str, then: str = ""
) -> tuple[Reply, list[str]]:
    """Return what watching comes to, and the calls that change something."""
    (folder / "now").write_text(f"{now}\n")
    (folder / "next").write_text(f"{then}\n" if then else "")
    env = install(folder, DOCKER.format(folder=folder, state=state))
    sh = STEP.apply([Change("restarts", "4", "0")])
    done = run(shell, sh, strict=True, env=env)
    return done, (folder / "calls").read_text().split()


@NOT_BUSYBOX
def test_one_that_runs_is_watched_and_left_alone(shell: Shell, tmp_path: Path) -> None:
    done, calls = watch(shell, tmp_path, "running healthy", "4 running")
    assert done.exit == 0, done.stderr
    assert calls == ["rm", "update"], "what runs on it goes on"
    assert int((tmp_path / "clock").read_text()) >= 1000 + STEADY_S


@NOT_BUSYBOX
@pytest.mark.parametrize(
    "then", ["5 running", "5 restarting", "4 restarting", "4 exited"]
)
def test_one_that_ends_again_is_a_failure_at_once(
    shell: Shell, tmp_path: Path, then: str
) -> None:
    done, _ = watch(shell, tmp_path, "running ", "4 running", then)
    count, status = then.split()
    assert done.exit == 1
    assert f"ended again, within 4 s: {count} restarts, {status}" in done.stderr
    assert "last lines above" in STEP.advice(done.stderr)
    assert int((tmp_path / "clock").read_text()) < 1000 + STEADY_S


@NOT_BUSYBOX
def test_one_that_stands_still_is_started_and_then_watched(
    shell: Shell, tmp_path: Path
) -> None:
    done, calls = watch(shell, tmp_path, "restarting ", "0 running", "1 running")
    assert calls == ["rm", "update", "restart"]
    assert done.exit == 1
    assert "ended again" in done.stderr


def test_any_other_change_in_place_does_not_wait() -> None:
    assert STEP.apply([Change("status", "exited", "running")]).params["steady_s"] == "0"


STARTED_AGAIN = """#!/bin/sh
case "$*" in
*RestartCount*)
    read -r count <"{folder}/counts"
    sed -i 1d "{folder}/counts"
    echo "$count" ;;
esac
exit 0
"""


@NOT_BUSYBOX
@pytest.mark.parametrize(
    ("counts", "looks"),
    [
        ([0], 1),
        ([3], 1),
        # One that runs at the first look, and ends again.
        ([1, 1, 2, 3], 4),
        # The clock leaps: two seconds at each look at it.
        ([1] * 20, 5),
    ],
)
def test_a_new_one_that_docker_started_again_is_watched(
    shell: Shell, tmp_path: Path, counts: list[int], looks: int
) -> None:
    (tmp_path / "counts").write_text("".join(f"{count}\n" for count in counts))
    env = install(tmp_path, STARTED_AGAIN.format(folder=tmp_path))
    made = STEP.apply([Change("container", None, "web")])
    done = run(shell, made, strict=True, env=env)
    assert done.exit == 0, done.stderr
    left = (tmp_path / "counts").read_text().split()
    assert len(counts) - len(left) == looks
