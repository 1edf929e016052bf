"""Ray's dashboards are copied once all are written, not while Ray writes them."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from provision.model.shell import Sh
from provision.ray.steps.dashboards import RayDashboards


def execute(sh: Sh) -> subprocess.CompletedProcess[str]:
    script = f"set -eu\n{sh.render()}\n"
    return subprocess.run(
        ["sh", "-s"], input=script, capture_output=True, text=True, check=False
    )


def run(sh: Sh) -> str:
    done = execute(sh)
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


def test_dashboards_of_another_ray_are_a_difference(tmp_path: Path) -> None:
    session = tmp_path / "ray/session_latest/metrics/grafana/dashboards"
    session.mkdir(parents=True)
    (session / "one.json").write_text("1")
    step = RayDashboards(data_dir=str(tmp_path), folder=str(tmp_path / "copied"))
    assert run(step.probe()) == ""
    run(step.apply([]))
    (session / "one.json").write_text("2")
    assert run(step.probe()) == "dashboards=of another Ray"


def session(folder: Path) -> Path:
    """Make Ray's folder of dashboards, with one in it."""
    made = folder / "ray/session_1/metrics/grafana/dashboards"
    made.mkdir(parents=True)
    (made / "one.json").write_text("1")
    (folder / "ray/session_latest").symlink_to(folder / "ray/session_1")
    return made


def copied(folder: Path) -> RayDashboards:
    step = RayDashboards(data_dir=str(folder), folder=str(folder / "copied"))
    run(step.apply([]))
    return step


def refused(sh: Sh) -> str:
    done = execute(sh)
    assert done.returncode != 0
    return done.stderr


@pytest.mark.parametrize("planted", ["link", "pipe"])
def test_what_a_job_plants_there_is_not_copied(tmp_path: Path, planted: str) -> None:
    made, secret = session(tmp_path), tmp_path / "secret"
    secret.write_text("hunter2")
    step = copied(tmp_path)
    if planted == "link":
        (made / "z.json").symlink_to(secret)
        assert run(step.probe()) == "dashboards=of another Ray"
    else:
        os.mkfifo(made / "z.json")
        assert run(step.probe()) == "dashboards=current", "it does not wait for ever"
    assert "z.json is not a plain file" in refused(step.apply([]))
    texts = [file.read_text() for file in (tmp_path / "copied").iterdir()]
    assert "1" in texts and not any("hunter2" in text for text in texts)


@pytest.mark.parametrize("link", ["session_latest", "session_1/metrics/grafana"])
def test_a_folder_elsewhere_is_not_followed(tmp_path: Path, link: str) -> None:
    session(tmp_path)
    step = copied(tmp_path)
    elsewhere = tmp_path / "elsewhere/metrics/grafana/dashboards"
    elsewhere.mkdir(parents=True)
    (elsewhere / "secret.json").write_text("hunter2")
    target = tmp_path / "elsewhere"
    if link == "session_latest":
        (tmp_path / "ray" / link).unlink()
    else:
        (tmp_path / "ray" / link).rename(tmp_path / "ray/was")
        target = target / "metrics/grafana"
    (tmp_path / "ray" / link).symlink_to(target)
    assert run(step.probe()) == "dashboards=current", "nothing to compare with"
    assert [file.name for file in (tmp_path / "copied").iterdir()] == ["one.json"]
