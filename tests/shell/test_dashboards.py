"""Ray's dashboards are copied when they are all there, not while Ray writes them."""

from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

from provision.shell import Sh
from provision.steps.ray_dashboards import RayDashboards


def run(sh: Sh) -> str:
    script = f"set -eu\n{sh.render()}\n"
    done = subprocess.run(
        ["sh", "-s"], input=script, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_dashboards_that_are_still_being_written_are_waited_for(tmp_path: Path) -> None:
    session = tmp_path / "ray/session_latest/metrics/grafana/dashboards"
    session.mkdir(parents=True)
    step = RayDashboards(data_dir=str(tmp_path), folder=str(tmp_path / "copied"))

    def write() -> None:
        for number in range(6):
            time.sleep(0.4)
            (session / f"{number}.json").write_text(str(number))

    ray = threading.Thread(target=write)
    ray.start()
    run(step.apply([]))
    ray.join()
    assert run(step.probe()) == "dashboards=current"
    assert len(list((tmp_path / "copied").iterdir())) == 6


def test_those_of_another_ray_are_a_difference(tmp_path: Path) -> None:
    session = tmp_path / "ray/session_latest/metrics/grafana/dashboards"
    session.mkdir(parents=True)
    (session / "one.json").write_text("1")
    step = RayDashboards(data_dir=str(tmp_path), folder=str(tmp_path / "copied"))
    assert run(step.probe()) == ""
    run(step.apply([]))
    (session / "one.json").write_text("2")
    assert run(step.probe()) == "dashboards=of another Ray"
