"""A head whose session's name was lost; `docker logs` is a stand-in with Ray's own words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from shells import EACH_SHELL, run

from provision.model.change import Change
from provision.model.shell import Reply, Sh
from provision.ray.steps.node.diagnosis.session_name import SESSION
from provision.ray.steps.node.roles import RayHead, RayWorker

Shell = tuple[str, ...]
KEPT = "session_2026-11-27_19-09-25_751778_1"
NEW = "session_2026-11-27_19-10-23_319286_1"
OLDER = "session_2026-01-01_00-00-00_000000_1"
WORDS = (
    f"AssertionError: Session name {NEW} does not match persisted value b'{KEPT}'. "
    "Perhaps there was an error connecting to the GCS storage backend."
)
"""The last words of a head of Ray 2.60.0 whose file was emptied while it was stopped."""
DOCKER = """#!/bin/sh
echo "$1" >>"{folder}/calls"
case $1 in
inspect) printf 'status={status}\\nrestart=unless-stopped\\n{restarts}spec={{}}\\n' ;;
logs) case $* in *' ray-lab') cat "{folder}/log" ;; esac ;;
container) case $* in *previous) exit 1 ;; esac ;;
esac
"""
NODE = {"cluster": "lab", "image": "rayproject/ray:2.60.0", "auth": False}


class Host:
    """A host whose `docker` is a stand-in that keeps a list of its calls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tables = folder / "data/gcs"
        self.tables.mkdir(parents=True)
        self.write("")
        (folder / "log").write_text(
            f"starting\n{WORDS.replace(KEPT, OLDER)}\n{WORDS}\n"
        )
        self.docker("restarting")
        self.head = RayHead(**NODE, address="127.0.0.1", data_dir="/srv/ray")

    def write(self, name: str) -> None:
        (self.tables / "session_name").write_text(name)

    def docker(self, status: str, restarts: str = "restarts=4\\n") -> None:
        path = self.folder / "docker"
        text = DOCKER.format(folder=self.folder, status=status, restarts=restarts)
        path.write_text(text)
        path.chmod(0o755)

    def run(self, shell: Shell, sh: Sh) -> Reply:
        params = {**sh.params}
        if params.get("tables"):
            params["tables"] = str(self.tables)
        path = f"{self.folder}:{os.environ['PATH']}"
        sh = Sh(sh.text, sh.args, params)
        return run(shell, sh, strict=True, env={**os.environ, "PATH": path})

    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()

    def changes(self, shell: Shell) -> list[Change]:
        state = self.head.observe(self.run(shell, self.head.probe()))
        return [c for c in self.head.plan(state) if c.field == SESSION]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@EACH_SHELL
@pytest.mark.parametrize(("there", "before"), [("", None), (NEW, NEW)])
@pytest.mark.parametrize("status", ["restarting", "running"])
def test_the_name_of_the_tables_is_the_one_that_ray_named_last(
    shell: Shell, host: Host, there: str, before: str | None, status: str
) -> None:
    host.write(there)
    host.docker(status)
    assert host.changes(shell) == [Change(SESSION, before, KEPT)]


@EACH_SHELL
def test_one_that_is_missing_is_told_as_well(shell: Shell, host: Host) -> None:
    (host.tables / "session_name").unlink()
    assert host.changes(shell) == [Change(SESSION, None, KEPT)]


@EACH_SHELL
def test_one_that_is_right_again_is_no_difference(shell: Shell, host: Host) -> None:
    host.write(KEPT)
    assert host.changes(shell) == []


@EACH_SHELL
def test_another_crash_is_not_taken_for_it(shell: Shell, host: Host) -> None:
    (host.folder / "log").write_text("RuntimeError: no such thing\n")
    assert host.changes(shell) == []


@EACH_SHELL
def test_a_head_that_has_not_been_restarted_is_not_asked_for_its_log(
    shell: Shell, host: Host
) -> None:
    host.docker("running", restarts="")
    assert host.changes(shell) == []
    assert host.calls() == ["inspect"]


@EACH_SHELL
def test_a_worker_has_no_such_file(shell: Shell, host: Host) -> None:
    worker = RayWorker(
        **NODE, address="127.0.0.1", head="127.0.0.1", data_dir="/nowhere"
    )
    state = worker.observe(host.run(shell, worker.probe()))
    assert not [key for key in state if key.startswith(SESSION)]
    assert "logs" not in host.calls()


@EACH_SHELL
def test_the_name_is_written_back_while_the_head_is_stopped(
    shell: Shell, host: Host
) -> None:
    done = host.run(shell, host.head.apply(host.changes(shell)))
    assert done.exit == 0, done.stderr
    file = host.tables / "session_name"
    assert file.read_text() == KEPT
    assert (file.stat().st_mode & 0o777) == 0o600
    assert file.stat().st_uid == host.tables.stat().st_uid
    assert [path.name for path in host.tables.iterdir()] == ["session_name"]
    assert [call.split()[0] for call in host.calls()[-3:]] == [
        "update",
        "stop",
        "start",
    ]
    assert host.changes(shell) == []


@EACH_SHELL
def test_a_link_that_a_job_put_there_is_not_followed(shell: Shell, host: Host) -> None:
    outside = host.folder / "outside"
    outside.write_text("mine")
    for name in ("session_name", "session_name.new"):
        (host.tables / name).unlink(missing_ok=True)
        (host.tables / name).symlink_to(outside)
    done = host.run(shell, host.head.apply([Change(SESSION, None, KEPT)]))
    assert done.exit == 0, done.stderr
    assert outside.read_text() == "mine"
    assert not (host.tables / "session_name").is_symlink()


@EACH_SHELL
def test_a_head_that_is_replaced_gets_it_back_unless_its_tables_go(
    shell: Shell, host: Host
) -> None:
    lost = Change(SESSION, None, KEPT)
    kept = host.head.apply([lost, Change("--num-cpus", "1", "2")])
    assert (kept.params["session"], kept.params["wipe"]) == (KEPT, "")
    other = Change("label.provision.ray_version", "2.59.0", "2.60.0")
    wiped = host.head.apply([lost, other])
    assert (wiped.params["session"], wiped.params["wipe"]) == ("", "yes")
    assert host.run(shell, kept).exit == 0
    assert (host.tables / "session_name").read_text() == KEPT


def test_a_head_that_fails_for_it_says_what_to_do() -> None:
    head = RayHead(**NODE, address="127.0.0.1", data_dir="/srv/ray")
    assert "deploy again" in head.advice(f"it still differs: health\n{WORDS}")
