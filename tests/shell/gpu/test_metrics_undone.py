"""The file of GPU metrics in a folder that was there before: a teardown takes it, and it alone."""

from __future__ import annotations

import os
from pathlib import Path

from shells import NOT_BUSYBOX, run

from provision.engine.change_control.manifest import note_things
from provision.steps.files.absent.file_absent import FileAbsent
from provision.steps.gpu.metrics import NvidiaMetrics

Shell = tuple[str, ...]


@NOT_BUSYBOX  # whose rm knows no file systems
def test_the_numbers_go_from_a_folder_that_stays(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "textfiles"
    folder.mkdir()
    (folder / "mine.prom").write_text("mine 1\n")
    step = NvidiaMetrics(
        folder=str(folder), path=str(tmp_path / "program.sh"), content="echo\n"
    )
    env = {**os.environ, "PROVISION_MANIFEST": str(tmp_path / "manifest")}
    changes = step.plan({"smi": "/usr/bin/nvidia-smi", "timer": "inactive"})
    assert run(shell, note_things(step, changes), strict=True, env=env).exit == 0
    for path in (folder / "gpus.prom", tmp_path / "program.sh"):
        path.write_text("ours 1\n")
    gone = FileAbsent(paths=[str(folder)], only_brought=True)
    changes = gone.plan(gone.observe(run(shell, gone.probe(), env=env)))
    done = run(shell, gone.apply(changes), strict=True, env=env)
    assert done.exit == 0, done.stderr
    assert [path.name for path in folder.iterdir()] == ["mine.prom"]
