"""One host is brought to its steps in the fewest trips, and never on stale sight."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from provision.engine.change_control.audit import Audit
from provision.engine.converge import Convergence, HostPlay
from provision.engine.session import LOSSES, ChangeClock, HostStep
from provision.errors import (
    ApplyError,
    ConnectionLost,
    HostError,
    LockHeldError,
    PrivilegeError,
    RefusedError,
    StepTimeoutError,
    VerifyError,
)
from provision.model.change import Change, State
from provision.model.events import (
    Event,
    HostBlocked,
    HostFailed,
    HostRetrying,
    OutputLine,
    StepApplying,
    StepChanged,
    StepFailed,
    StepOk,
    StepPlanned,
    StepWaiting,
)
from provision.model.script import Script
from provision.model.shell import Reply, Sh
from provision.model.step import BoundStep, Step
from provision.transport.protocol import HeldScript

PROBE = '[ ! -f "$path" ] || printf "text=%s\\n" "$(cat "$path")"'
WRITE = 'printf %s "$text" >"$path"; echo "wrote $text"'
LATER = '(sleep 0.5; printf %s "$text" >"$path") >/dev/null 2>&1 &'
NEAR = '[ -e "$near" ] || { echo "no $near" >&2; exit 9; }; printf "text=%s\\n" seen'
TELL = 'echo "evidence about $path"'


class Note(Step, kind="note"):
    """A file with this text, for tests."""

    path: str
    text: str = "new"
    needs: str = ""
    change: str = WRITE

    def probe(self) -> Sh:
        return Sh(NEAR, params={"near": self.needs}) if self.needs else self._sh(PROBE)

    def desired(self) -> State:
        return {"text": "seen" if self.needs else self.text}

    def plan(self, observed: State) -> list[Change]:
        if observed.get("text") == "foreign":
            raise RefusedError("belongs to someone else")
        return super().plan(observed)

    def apply(self, changes: Sequence[Change]) -> Sh:
        return self._sh(self.change)

    def evidence(self) -> Sh | None:
        return self._sh(TELL)

    def advice(self, problem: str) -> str:
        return "write it by hand" if "evidence" in problem else ""

    def _sh(self, text: str) -> Sh:
        return Sh(text, params={"path": self.path, "text": self.text})


TOGETHER = r"""
for path; do
    [ "${path##*/}" != unseen ] || { echo "cannot see $path" >&2; exit 9; }
    [ ! -f "$path" ] || printf '%s=%s\n' "$path" "$(cat "$path")"
done
echo "asked=$#"
"""


class Together(Note, kind="together"):
    """A note that is looked at together with others, and knows how many it was."""

    def probe(self) -> Sh:
        return Sh.mergeable_probe(TOGETHER, self.path)

    def observe(self, reply: Reply) -> State:
        state = super().observe(reply)
        text = {"text": state[self.path]} if self.path in state else {}
        return text | {"asked": state["asked"]}


class ShellTransport:
    """Runs each script in a real shell; loses the connection when told to."""

    quantum_safe = True

    def __init__(self) -> None:
        self.scripts = 0
        self.lose_at: set[int] = set()
        self.lose_before = True
        self.refuse: HostError | None = None

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass

    def hold(self, script: Script) -> contextlib.AbstractContextManager[HeldScript]:
        raise NotImplementedError

    def run(self, script: Script) -> int:
        self.scripts += 1
        if self.refuse:
            raise self.refuse
        lost = self.scripts in self.lose_at
        if lost and self.lose_before:
            raise ConnectionLost("cut")
        argv = ["timeout", f"{script.limit_s:g}", "sh", "-s"]
        done = subprocess.run(
            argv, input=script.encoded, capture_output=True, check=False
        )
        script.stdout(done.stdout)
        script.stderr(done.stderr)
        if lost:
            raise ConnectionLost("cut")
        return done.returncode


class Rig:
    """A host with plays, and all that is said while it converges."""

    def __init__(
        self, *plays: Sequence[Step], dry: bool = False, audit: Audit | None = None
    ) -> None:
        self.transport = ShellTransport()
        self.events: list[Event] = []
        self.stopped = threading.Event()
        self.before: Callable[[], None] = lambda: None
        self.clock = ChangeClock()
        self.plays: list[HostPlay] = []
        every: list[HostStep] = []
        for number, steps in enumerate(plays):
            own = tuple(
                HostStep(place, f"play{number}", become=False, bound=BoundStep(step))
                for place, step in enumerate(steps, start=len(every))
            )
            every += own
            self.plays.append(HostPlay(f"play{number}", "node1", own, gated=True))
        self.host = Convergence(
            "node1",
            self.transport,
            every,
            dry=dry,
            emit=self.events.append,
            before_change=lambda: self.before(),  # noqa: PLW0108 - set later
            clock=self.clock,
            stopped=self.stopped,
            audit=audit,
        )

    def run(self) -> bool:
        return all([self.host.run(play) for play in self.plays])  # noqa: C419 - all run

    def said(self, *kinds: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kinds)]

    @property
    def trips(self) -> int:
        return self.host.round_trips


@pytest.fixture
def notes(tmp_path: Path) -> list[Note]:
    return [Note(path=f"{tmp_path}/{name}") for name in "abcd"]


class Shared(Note, kind="shared"):
    """A note that several steps are about."""

    @property
    def subject(self) -> str:
        return self.path


def test_a_plan_tells_a_difference_that_two_steps_share_once(tmp_path: Path) -> None:
    [one, other] = [Shared(path=f"{tmp_path}/{name}") for name in "ab"]
    rig = Rig([one], [other, one], dry=True)
    rig.run()
    assert [len(event.changes) for event in rig.said(StepPlanned)] == [1, 1]  # type: ignore[attr-defined]
    assert len(rig.said(StepOk)) == 1


def test_a_play_is_idle_when_the_last_probe_found_no_difference(
    notes: list[Note],
) -> None:
    rig = Rig(notes[:2], notes[:1], notes[2:])
    first, again, other = rig.plays
    assert not rig.host.idle(again), "nothing was seen yet"
    rig.host.run(first)
    assert rig.host.idle(again)
    assert not rig.host.idle(other), "it was seen to differ"


def test_a_converged_host_costs_one_round_trip(notes: list[Note]) -> None:
    Rig(notes).run()
    again = Rig(notes[:2], notes[2:])
    assert again.run()
    assert again.trips == again.transport.scripts == 1
    assert len(again.said(StepOk)) == 4
    assert not again.said(StepApplying, StepChanged)


def test_mergeable_probes_are_one_and_each_step_has_its_answer(
    notes: list[Note],
) -> None:
    together = [Together(path=note.path) for note in notes]
    assert Rig(together).run()
    again = Rig(together[:2], together[2:])
    assert again.run()
    assert again.trips == 1
    assert [ok.observed for ok in again.said(StepOk)] == [  # type: ignore[attr-defined]
        {"text": "new", "asked": "4"}
    ] * 4


def test_a_merged_probe_that_fails_is_sent_again_unmerged(
    notes: list[Note], tmp_path: Path
) -> None:
    seen = [Together(path=note.path) for note in notes]
    Rig(seen).run()
    rig = Rig([*seen, Together(path=f"{tmp_path}/unseen")], dry=True)
    rig.run()
    assert [ok.observed["asked"] for ok in rig.said(StepOk)] == ["1"] * 4  # type: ignore[attr-defined]
    [failed] = rig.said(StepFailed)
    assert "cannot tell" in str(failed.error)  # type: ignore[attr-defined]
    assert rig.trips == 2


def test_each_changing_step_costs_one_more(notes: list[Note]) -> None:
    Rig([notes[1]]).run()
    rig = Rig(notes[:2], notes[2:])
    assert rig.run()
    assert rig.trips == 1 + 3
    assert len(rig.said(StepChanged)) == 3
    assert [Path(note.path).read_text() for note in notes] == ["new"] * 4


def test_a_step_is_judged_on_what_earlier_steps_made(notes: list[Note]) -> None:
    later = Note(path=notes[1].path, needs=notes[0].path)
    rig = Rig([notes[0], later])
    assert rig.run(), "its probe failed at first, before its turn had come"
    assert [type(event) for event in rig.said(StepChanged, StepOk)] == [
        StepChanged,
        StepOk,
    ]


def test_a_probe_that_cannot_tell_fails_when_its_turn_comes(notes: list[Note]) -> None:
    rig = Rig([Note(path=notes[0].path, needs="/nowhere"), notes[1]])
    assert not rig.run()
    [failed] = rig.said(StepFailed)
    assert "cannot tell" in str(failed.error)  # type: ignore[attr-defined]
    assert "no /nowhere" in failed.error.details  # type: ignore[attr-defined]
    [blocked] = rig.said(HostBlocked)
    assert blocked.steps == 1  # type: ignore[attr-defined]
    assert not Path(notes[1].path).exists()


def test_a_dry_run_plans_and_touches_nothing(notes: list[Note], tmp_path: Path) -> None:
    rig = Rig(notes, dry=True)
    assert rig.run()
    assert rig.trips == 1
    planned = rig.said(StepPlanned)
    assert [event.changes for event in planned] == [  # type: ignore[attr-defined]
        (Change("text", None, "new"),)
    ] * 4
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_says_what_it_cannot_know_yet(notes: list[Note]) -> None:
    rig = Rig([notes[0], Note(path=notes[1].path, needs=notes[0].path)], dry=True)
    assert rig.run()
    _, unknown = rig.said(StepPlanned)
    assert "known after" in str(unknown.changes[0])  # type: ignore[attr-defined]


def test_a_dry_run_shows_every_problem(notes: list[Note]) -> None:
    Path(notes[0].path).write_text("foreign")
    rig = Rig(notes[:2], dry=True)
    rig.run()
    assert len(rig.said(StepFailed)) == 1
    assert len(rig.said(StepPlanned)) == 1


def test_a_failed_change_explains_itself(notes: list[Note]) -> None:
    rig = Rig([Note(path=notes[0].path, change="echo broken >&2; exit 7")])
    assert not rig.run()
    [failed] = rig.said(StepFailed)
    error = failed.error  # type: ignore[attr-defined]
    assert isinstance(error, ApplyError)
    assert "exit code 7" in error.message
    assert error.details == ("broken", f"evidence about {notes[0].path}")
    assert error.hint == "write it by hand"


def test_a_change_without_effect_is_an_error(notes: list[Note]) -> None:
    rig = Rig([Note(path=notes[0].path, change="true"), notes[1]])
    assert not rig.run()
    [failed] = rig.said(StepFailed)
    assert isinstance(failed.error, VerifyError)  # type: ignore[attr-defined]
    assert "text: (absent) -> new" in str(failed.error)  # type: ignore[attr-defined]


def test_a_step_that_settles_is_polled(notes: list[Note]) -> None:
    rig = Rig([Note(path=notes[0].path, change=LATER, settle_s=10)])
    assert rig.run()
    polls = len(rig.said(StepWaiting))
    assert polls >= 1
    assert rig.trips == 2 + polls


def test_a_step_that_never_settles_fails(notes: list[Note]) -> None:
    rig = Rig([Note(path=notes[0].path, change="true", settle_s=0.3)])
    assert not rig.run()
    [failed] = rig.said(StepFailed)
    assert "after 0.3 s it still differs" in str(failed.error)  # type: ignore[attr-defined]


def test_a_change_that_hangs_is_killed_at_its_limit(notes: list[Note]) -> None:
    rig = Rig([Note(path=notes[0].path, change="sleep 60", timeout_s=0.3)])
    assert not rig.run()
    [failed] = rig.said(StepFailed)
    assert isinstance(failed.error, StepTimeoutError)  # type: ignore[attr-defined]
    assert "0.3 s" in str(failed.error)  # type: ignore[attr-defined]


@pytest.mark.parametrize("before", [True, False])
def test_after_a_lost_connection_it_looks_before_it_changes(
    notes: list[Note], before: bool
) -> None:
    rig = Rig(notes[:2])
    rig.transport.lose_at, rig.transport.lose_before = {2}, before
    assert rig.run()
    [retry] = rig.said(HostRetrying)
    assert isinstance(retry, HostRetrying)
    assert (retry.attempt, retry.most, retry.lost) == (1, LOSSES, True)
    applied = [event.step for event in rig.said(StepApplying)]  # type: ignore[attr-defined]
    assert len(applied) == (3 if before else 2), (
        "a change that got through is not redone"
    )


def test_a_host_that_is_lost_again_and_again_is_given_up(notes: list[Note]) -> None:
    rig = Rig(notes)
    rig.transport.lose_at = set(range(1, 99))
    assert not rig.run()
    [failed] = rig.said(HostFailed)
    assert isinstance(failed.error, ConnectionLost)  # type: ignore[attr-defined]


def test_refused_root_rights_fail_the_host_not_a_step(notes: list[Note]) -> None:
    rig = Rig(notes)
    rig.transport.refuse = PrivilegeError("sudo says no")
    assert not rig.run()
    assert rig.said(HostFailed) and not rig.said(StepFailed)


def test_a_lock_held_by_another_ends_the_run_before_anything_changes(
    notes: list[Note], tmp_path: Path
) -> None:
    rig = Rig(notes)

    def held() -> None:
        raise LockHeldError("held")

    rig.before = held
    with pytest.raises(LockHeldError):
        rig.run()
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_run_starts_no_change(notes: list[Note], tmp_path: Path) -> None:
    rig = Rig(notes)
    rig.stopped.set()
    assert not rig.run()
    assert list(tmp_path.iterdir()) == []


def test_a_gate_probes_again_only_when_something_changed_elsewhere(
    notes: list[Note],
) -> None:
    Rig(notes).run()
    rig = Rig(notes[:2], notes[2:])
    first, second = rig.plays
    rig.host.run(first)
    Path(notes[3].path).write_text("old")
    assert rig.host.run(second)
    assert rig.trips == 1
    rig = Rig(notes[:2], notes[2:])
    rig.host.run(rig.plays[0])
    rig.clock.tick("node2")
    rig.host.run(rig.plays[1])
    assert len(rig.said(StepChanged)) == 1
    assert rig.trips == 3


def test_a_gate_does_not_probe_again_what_was_probed_after_the_change_elsewhere(
    notes: list[Note],
) -> None:
    Rig(notes).run()
    rig = Rig(notes[:2], notes[2:])
    rig.clock.tick("node2")
    assert rig.run()
    assert rig.trips == 1


def test_the_clock_counts_the_changes_of_other_hosts() -> None:
    clock = ChangeClock()
    for host in ("a", "b", "b"):
        clock.tick(host)
    assert [clock.elsewhere(host) for host in "abc"] == [2, 1, 3]


def test_a_change_is_counted(notes: list[Note]) -> None:
    rig = Rig(notes[:1])
    rig.run()
    assert rig.clock.elsewhere("node2") == 1


def test_the_lines_of_a_running_change_are_shown_and_those_of_probes_are_not(
    notes: list[Note],
) -> None:
    rig = Rig(notes[:1])
    rig.run()
    assert [event.line for event in rig.said(OutputLine)] == ["wrote new"]  # type: ignore[attr-defined]


def test_a_step_cut_off_by_the_end_of_the_run_is_told_as_that(
    notes: list[Note],
) -> None:
    rig = Rig(notes)

    def stop(event: Event) -> None:
        rig.events.append(event)
        if isinstance(event, StepApplying):
            rig.stopped.set()

    rig.host._emit = stop
    rig.transport.lose_at = {2}
    assert not rig.run()
    assert not rig.said(HostFailed), "the host is not to blame"
    [failed] = rig.said(StepFailed)
    assert "cut off by the end of the run" in str(failed.error)  # type: ignore[attr-defined]
    [blocked] = rig.said(HostBlocked)
    assert blocked.steps == 3  # type: ignore[attr-defined]


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

    def test_says_who_from_where_and_what_and_costs_no_trip(
        self, notes: list[Note], log: Path
    ) -> None:
        rig = Rig(notes[:2], audit=Audit("lab", run="1f3a"))
        assert rig.run()
        assert rig.trips == 1 + 2
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

    def test_tells_of_a_change_that_fails_or_never_ends(
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
        lines = [event.line for event in rig.said(OutputLine)]  # type: ignore[attr-defined]
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
