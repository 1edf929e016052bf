"""The proof that containers share a folder; docker is a stand-in that runs commands here."""

from __future__ import annotations

from pathlib import Path

import pytest
from shells import NOT_BUSYBOX, run

from provision.model.shell import Reply, Sh
from provision.ray.steps.shared.folders import SharedFolder
from provision.ray.steps.shared_seen import RaySharedSeen, RaySharedWritten

Shell = tuple[str, ...]
DOCKER = """#!/bin/sh
[ "$1" = exec ] && [ "$2" = ray-sample ] || exit 1
shift 2
case "$*" in *hangs*) exec sleep 50 ;; esac
exec "$@"
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    return {"PATH": f"{tmp_path}:/usr/bin:/bin"}


def steps(*paths: Path) -> tuple[RaySharedWritten, RaySharedSeen]:
    folders = tuple(SharedFolder(origin="nas.lan:/x", at=str(path)) for path in paths)
    written = RaySharedWritten(cluster="sample", folders=folders)
    return written, RaySharedSeen(cluster="sample", folders=folders)


@NOT_BUSYBOX
def test_what_one_writes_another_reads(
    shell: Shell, env: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    written, seen = steps(tmp_path / "data")
    before = seen.observe(run(shell, seen.probe(), env=env))
    assert len(seen.plan(before)) == 1
    run(shell, written.apply(written.plan({})), strict=True, env=env)
    assert seen.plan(seen.observe(run(shell, seen.probe(), env=env))) == []


@NOT_BUSYBOX
def test_one_that_may_not_be_written_fails_with_advice(
    shell: Shell, env: dict[str, str], tmp_path: Path
) -> None:
    written, _ = steps(tmp_path / "missing")
    reply = run(shell, written.apply(written.plan({})), strict=True, env=env)
    assert reply.exit != 0
    assert "chown" in written.advice("sh: /data/x: Permission denied")


@pytest.mark.parametrize("shell", [("/bin/sh",)])
def test_a_folder_that_does_not_answer_is_said(
    shell: Shell, env: dict[str, str], tmp_path: Path
) -> None:
    written, _ = steps(tmp_path / "hangs")
    probe = written.probe()
    # The same look with a shorter limit: 10 s is long in a test.
    quick = Sh(probe.text.replace("KILL 10", "KILL 1"), probe.args, probe.params)
    reply: Reply = run(shell, quick, env=env)
    [change] = written.plan(written.observe(reply))
    assert change.before == "does not answer"
