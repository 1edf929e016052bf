"""Each change leaves a line in the host's own log, in the change's own script."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from rig import Note, Rig

from provision.engine.change_control.audit import Audit
from provision.model.change import Change
from provision.model.events import OutputLine, StepChanged

LOGGER = """#!/bin/sh
printf '%s\\n' "$*" >>"$LOG"
"""


class TestAudit:
    """A line in the host's log for each change, in the change's own script."""

    @pytest.fixture
    def log(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        tools, log = tmp_path / "bin", tmp_path / "log"
        tools.mkdir()
        (tools / "logger").write_text(LOGGER)
        (tools / "logger").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
        monkeypatch.setenv("LOG", str(log))
        monkeypatch.setenv("SSH_CONNECTION", "192.0.2.7 4000 192.0.2.1 22")
        monkeypatch.delenv("SUDO_USER", raising=False)
        log.touch()
        return log

    def test_has_who_from_where_and_what_and_costs_no_trip(
        self, notes: list[Note], log: Path
    ) -> None:
        rig = Rig(notes[:2], audit=Audit("lab", run="1f3a"))
        assert rig.run()
        assert rig.trips == 2
        lines = log.read_text().splitlines()
        me = f"by={getpass.getuser()}@{socket.gethostname()} from=192.0.2.7"
        assert (
            lines
            == [
                "-t provision -p authpriv.notice -- cluster=lab run=1f3a "
                f'{me} login={getpass.getuser()} change="note" fields=1:text'
            ]
            * 2
        )

    def test_is_silent_where_nothing_changes(
        self, notes: list[Note], log: Path
    ) -> None:
        Rig(notes).run()
        Rig(notes, audit=Audit("lab")).run()
        Path(notes[0].path).write_text("old")
        Rig(notes, audit=Audit("lab"), dry=True).run()
        assert log.read_text() == ""

    def test_records_a_change_that_fails_or_never_ends(
        self, notes: list[Note], log: Path
    ) -> None:
        rig = Rig([Note(path=notes[0].path, change="exit 1")], audit=Audit("lab"))
        assert not rig.run()
        slow = Note(path=notes[0].path, change="sleep 60", timeout_s=0.2)
        assert not Rig([slow], audit=Audit("lab")).run()
        assert log.read_text().count("fields=1:text") == 2

    @pytest.mark.parametrize("ending", ["exit 1", "kill -9 $$", "sleep 60"])
    def test_a_logger_that_fails_or_hangs_stops_nothing(
        self, notes: list[Note], log: Path, ending: str
    ) -> None:
        (log.parent / "bin/logger").write_text(f"#!/bin/sh\n{ending}\n")
        rig = Rig(notes[:1], audit=Audit("lab"))
        assert rig.run()
        assert [type(event) for event in rig.events][-1] is StepChanged

    def test_a_host_without_a_logger_is_changed_all_the_same(
        self, notes: list[Note], log: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tools = log.parent / "few"
        tools.mkdir()
        for tool in ("sh", "timeout", "cat", "id", "sed", "tr"):
            (tools / tool).symlink_to(str(shutil.which(tool)))
        monkeypatch.setenv("PATH", str(tools))
        monkeypatch.setattr("provision.model.framing.PRELUDE", "export LC_ALL=C")
        assert Rig(notes[:1], audit=Audit("lab")).run()
        assert log.read_text() == ""

    def test_its_output_is_not_taken_for_the_change_s(
        self, notes: list[Note], log: Path
    ) -> None:
        (log.parent / "bin/logger").write_text("#!/bin/sh\necho chatter\n")
        rig = Rig(notes[:1], audit=Audit("lab"))
        assert rig.run()
        lines = [event.line for event in rig.of(OutputLine)]  # type: ignore[attr-defined]
        assert lines == ["wrote new"]

    def test_has_no_secret_no_second_line_and_an_end(
        self, notes: list[Note], log: Path
    ) -> None:
        audit = Audit("lab", hidden={"hunter2"})
        odd = "x\nsshd: Accepted hunter2 $(touch canary) \x1b[31m" + "y" * 5000
        changes = [Change(f"field{n}", None, "value") for n in range(20)]
        for sh in (audit.note(odd, changes), audit.note("short", changes)):
            subprocess.run(["sh", "-eu"], input=sh.render().encode(), check=True)
        long, short = log.read_text().splitlines()
        assert "hunter2" not in long and "(secret) $(touch canary)" in long
        assert "\x1b" not in long and len(long) < 1024
        assert "value" not in short
        assert short.endswith(
            "fields=20:" + "".join(f"field{n}," for n in range(8)) + "..."
        )
