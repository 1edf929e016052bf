"""The report is written whole, however the run ended, or refused before it starts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provision.errors import LockHeldError, OptionError
from provision.model.change import Change
from provision.model.events import RunEnded, RunStarted, StepChanged
from provision.model.mode import Mode
from provision.report.json_file import ReportFile
from provision.report.reporters import Reporters

CHANGE = Change("mode", "700", "755")


def report_of(path: Path, error: BaseException | None = None) -> dict[str, Any]:
    """The report of a short run that *error* ended."""
    try:
        with Reporters([ReportFile(str(path))]) as report:
            report(RunStarted(mode=Mode.APPLY, cluster="lab", steps={"node1": 1}))
            report(
                StepChanged(
                    host="node1", play="p", step="s", changes=(CHANGE,), seconds=1
                )
            )
            report(RunEnded(seconds=2))
            if error:
                raise error
    except (LockHeldError, KeyboardInterrupt, ZeroDivisionError):
        pass
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_it_holds_each_change_of_each_host(tmp_path: Path) -> None:
    report = report_of(tmp_path / "report.json")
    [step] = report["hosts"]["node1"]["steps"]
    assert step["changes"] == [{"field": "mode", "before": "700", "after": "755"}]
    assert (report["exit_code"], report["seconds"]) == (0, 2)
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]


@pytest.mark.parametrize(
    ("error", "code"),
    [(LockHeldError("held"), 6), (KeyboardInterrupt(), 130), (ZeroDivisionError(), 1)],
)
def test_it_names_the_error_that_ended_the_whole_run(
    tmp_path: Path, error: BaseException, code: int
) -> None:
    report = report_of(tmp_path / "report.json", error)
    assert report["exit_code"] == code
    assert report["error"]["type"] == type(error).__name__
    assert report["hosts"]["node1"]["changed"] == 1


def test_an_earlier_report_stays_until_the_new_one_is_complete(
    tmp_path: Path,
) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")
    ReportFile(str(path))
    assert path.read_text() == "old"
    assert report_of(path)["verb"] == "apply"


@pytest.mark.parametrize("path", ["missing/report.json", ".", "/dev/null", "file/x"])
def test_a_path_that_cannot_be_written_is_refused_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    with pytest.raises(OptionError, match="cannot write the report"):
        ReportFile(path)


def test_the_report_has_the_mode_of_any_other_new_file(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    report_of(tmp_path / "report.json")
    modes = {file.stat().st_mode for file in tmp_path.iterdir()}
    assert len(modes) == 1
