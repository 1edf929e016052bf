"""The working directory of a job as a package, and the exit code of a job."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from provision.errors import OptionError
from provision.ray.jobs import package as module
from provision.ray.jobs.job import Job
from provision.ray.jobs.package import package


def test_equal_folders_make_an_equal_package(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name / "inner").mkdir(parents=True)
        (tmp_path / name / "inner/b.py").write_text("1")
        (tmp_path / name / "a.py").write_text(name[:0])
    os.utime(tmp_path / "one/a.py", (1e9, 1e9))
    assert package(tmp_path / "one") == package(tmp_path / "other")
    (tmp_path / "other/inner/b.py").write_text("2")
    assert package(tmp_path / "one")[0] != package(tmp_path / "other")[0]


def test_folders_that_no_job_needs_are_left_out(tmp_path: Path) -> None:
    for place in (".git/config", "a/__pycache__/x.pyc", ".venv/x", "a/kept.py"):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o755)
    with zipfile.ZipFile(io.BytesIO(package(tmp_path)[1])) as archive:
        assert archive.namelist() == ["a/kept.py"]
        mode = archive.getinfo("a/kept.py").external_attr >> 16
    assert mode & 0o111


def test_a_folder_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    (tmp_path / "a").write_bytes(b"x" * 6)
    package(tmp_path)
    (tmp_path / "b").write_bytes(b"x" * 6)
    with pytest.raises(OptionError, match="for a job to upload"):
        package(tmp_path)


@pytest.mark.parametrize(
    ("status", "driver_exit", "wanted"),
    [
        ("SUCCEEDED", 0, 0),
        ("SUCCEEDED", None, 0),
        ("FAILED", 7, 7),
        ("FAILED", None, 1),
        ("FAILED", 0, 1),
        ("STOPPED", -15, 1),
    ],
)
def test_only_a_job_that_succeeded_has_the_exit_code_0(
    status: str, driver_exit: int | None, wanted: int
) -> None:
    job = Job("id", status, "python x.py", driver_exit=driver_exit)
    assert job.exit_code == wanted
