"""The report is written whole, however the run ended, or refused before it starts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provision.errors import LockHeldError, OptionError
from provision.model.change import Change
from provision.model.events import RunEnded, RunStarted, StepChanged
from provision.report.json_file import ReportFile

CHANGE = Change("mode", "700", "755")


def written(path: Path, error: BaseException | None = None) -> dict[str, Any]:
    """The report of a short run that *error* ended."""
    try:
        with ReportFile(str(path)) as report:
            report(RunStarted(verb="apply", cluster="lab", steps={"node1": 1}))
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
    report = written(tmp_path / "report.json")
    [step] = report["hosts"]["node1"]["steps"]
    assert step["changes"] == [{"field": "mode", "before": "700", "after": "755"}]
    assert (report["exit_code"], report["seconds"]) == (0, 2)
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]


@pytest.mark.parametrize(
    ("error", "code"),
    [(LockHeldError("held"), 6), (KeyboardInterrupt(), 130), (ZeroDivisionError(), 1)],
)
def test_it_tells_what_ended_the_whole_run(
    tmp_path: Path, error: BaseException, code: int
) -> None:
    report = written(tmp_path / "report.json", error)
    assert report["exit_code"] == code
    assert report["error"]["type"] == type(error).__name__
    assert report["hosts"]["node1"]["changed"] == 1


def test_a_report_that_was_there_stays_until_the_new_one_is_whole(
    tmp_path: Path,
) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")
    ReportFile(str(path))
    assert path.read_text() == "old"
    assert written(path)["verb"] == "apply"


@pytest.mark.parametrize("path", ["missing/report.json", ".", "/dev/null", "file/x"])
def test_where_nothing_can_be_written_is_found_out_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    with pytest.raises(OptionError, match="cannot write the report"):
        ReportFile(path)
