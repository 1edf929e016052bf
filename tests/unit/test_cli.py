"""The command line as a user runs it: what it prints, and how it ends."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from provision import cli

MAIN = "from provision.cli import main; main()"
INVENTORY = """
all:
  vars: {cluster: CLUSTER, ansible_connection: local, ansible_become: false}
  hosts: {one: {}, two: {}}
"""
NOTES = """
- play: notes
  hosts: all
  vars: {text: hello}
  steps:
    - directory:
        path: "FOLDER/{{ host.name }}"
        owner: "OWNER"
        group: "GROUP"
    - file:
        path: "FOLDER/{{ host.name }}/note"
        content: "{{ text }}"
        owner: "OWNER"
        group: "GROUP"
      tags: [note]
"""
GONE = """
- play: gone
  hosts: all
  tags: [cluster]
  steps: [{file_absent: {paths: ["FOLDER/{{ host.name }}"]}}]
- play: more
  hosts: all
  tags: [images, engine]
  steps: [{file_absent: {paths: ["FOLDER/more"]}}]
"""
HANGS = """
- play: hangs
  hosts: one
  steps: [{reachable: {host: 127.0.0.1, port: 1}}]
"""


@dataclass(frozen=True)
class Place:
    """A folder with an inventory of this machine, twice, and a tiny playbook."""

    folder: Path

    def __call__(self, *words: str) -> tuple[int, str]:
        """Exit code and output of `provision WORDS`, with no terminal."""
        screen = io.StringIO()
        with (
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(screen),
            contextlib.redirect_stderr(screen),
        ):
            try:
                cli.main(["provision", *words])
            except SystemExit as ended:
                return int(ended.code or 0), screen.getvalue()
        return 0, screen.getvalue()

    def note(self, host: str) -> Path:
        return self.folder / "out" / host / "note"


@pytest.fixture
def here(tmp_path: Path) -> Place:
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "out").mkdir()
    # Its lock is this machine's: tests that run at once need one each.
    inventory = INVENTORY.replace("CLUSTER", f"test-{os.getpid()}")
    (tmp_path / "inv.yml").write_text(inventory)
    for name, book in (("notes", NOTES), ("teardown", GONE), ("hangs", HANGS)):
        text = book.replace("FOLDER", str(tmp_path / "out"))
        text = text.replace("OWNER", str(os.geteuid()))
        text = text.replace("GROUP", str(os.getegid()))
        (tmp_path / "playbooks" / f"{name}.yml").write_text(text)
    return Place(tmp_path)


WHERE = ("--inventory", "inv.yml", "--playbook", "notes")


def test_plan_deploy_and_deploy_again(here: Place) -> None:
    code, output = here("plan", *WHERE, "--limit", "one")
    assert code == 3, output
    assert "run `invoke deploy --inventory inv.yml --limit one" in output
    assert not here.note("one").exists()

    code, output = here("deploy", *WHERE)
    assert code == 0, output
    assert "2 hosts: 4 changed, 0 failed" in output
    assert here.note("two").read_text() == "hello"

    code, output = here("deploy", *WHERE)
    assert code == 0, output
    assert "nothing to do, 0 changed: 2 hosts" in output
    assert "1 round trip each" in output
    assert "\x1b" not in output


def test_check_is_plan(here: Place) -> None:
    code, output = here("deploy", *WHERE, "--check")
    assert (code, "4 steps would change" in output) == (3, True), output
    assert not here.note("one").exists()


def test_verify_ends_with_3_when_something_differs(here: Place) -> None:
    assert here("deploy", *WHERE)[0] == 0
    assert here("verify", *WHERE)[0] == 0
    here.note("one").write_text("other")
    code, output = here("verify", *WHERE)
    assert (code, "1 step differs on 1 host" in output) == (3, True), output


def test_set_limit_tags_and_report_do_what_they_say(here: Place) -> None:
    assert here("deploy", *WHERE)[0] == 0
    choice = ("--limit", "two", "--tags", "note", "--set", "text=other", "--forks", "1")
    code, output = here("deploy", *WHERE, *choice, "--report", "report.json", "-v")
    assert code == 0, output
    assert "changes file" in output
    assert here.note("one").read_text() == "hello"
    assert here.note("two").read_text() == "other"
    report = json.loads((here.folder / "report.json").read_text())
    assert [list(report["hosts"]), report["hosts"]["two"]["changed"]] == [["two"], 1]


def test_set_can_be_repeated_and_takes_yaml(here: Place) -> None:
    sets = ("--set", "unused=[1, 2]", "--set", "text=a=b")
    code, output = here("deploy", *WHERE, *sets)
    assert code == 0, output
    assert "warning: the variable 'unused' is not used" in output
    assert here.note("one").read_text() == "a=b"


def test_the_inventory_deployed_last_is_the_default_and_named(here: Place) -> None:
    assert here("deploy", *WHERE)[0] == 0
    code, output = here("plan", "--playbook", "notes")
    assert (code, "inventory: inv.yml (deployed last)" in output) == (0, True), output
    (here.folder / "inv.yml").rename(here.folder / "moved.yml")
    code, output = here("plan", "--playbook", "notes")
    assert (code, "is gone" in output, "inv.yml" in output) == (5, True, True), output


def test_a_plan_is_not_remembered(here: Place) -> None:
    assert here("plan", *WHERE)[0] == 3
    code, output = here("plan", "--playbook", "notes")
    assert (code, "--inventory" in output) == (5, True), output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("plan",), "no inventory was given"),
        (("status",), "no inventory was given"),
        (("plan", "--inventory", "nope"), "there is no inventory 'nope'"),
        (("plan", *WHERE, "--set", "text"), "--set takes name=value"),
        (("plan", *WHERE, "--set", "text=[1"), "--set text: the value is not YAML"),
        (("plan", *WHERE, "--forks", "many"), "--forks takes a number"),
        (("plan", *WHERE, "--forks", "0"), "--forks takes a number"),
        (("plan", *WHERE, "--limit", "three"), "--limit three"),
        (("plan", *WHERE, "--tags", "nope"), "--tags nope"),
        (("plan", "--inventory", "inv.yml", "--playbook", "x"), "no playbook 'x'"),
        (("deploy", *WHERE, "--report", "no/report"), "cannot write the report"),
        (("teardown", "--inventory", "inv.yml", "--level", "all"), "images, engine"),
        (("lab.up", "--hosts", "some"), "--hosts takes a number"),
        (("lab.reboot",), "required positional"),
        (("plan", "--no-such"), "No idea what '--no-such' is"),
        (("no-such-command",), "No idea what 'no-such-command' is"),
    ],
)
def test_bad_input_ends_with_5_and_one_line(
    here: Place, words: tuple[str, ...], said: str
) -> None:
    code, output = here(*words)
    assert code == 5, output
    assert said in output
    assert output.startswith("error: ") and len(output.splitlines()) == 1, output
    assert not here.note("one").exists()


def test_all_that_is_wrong_with_a_playbook_is_shown_line_by_line(here: Place) -> None:
    path = here.folder / "playbooks/notes.yml"
    path.write_text(path.read_text().replace("content:", "contend:"))
    code, output = here("plan", *WHERE)
    assert code == 5, output
    lines = output.splitlines()
    assert all(line.startswith("error: playbooks/notes.yml:") for line in lines)
    assert "did you mean 'content'" in output


def test_a_step_that_fails_ends_with_2(here: Place) -> None:
    (here.folder / "out" / "two").write_text("in the way of a directory")
    code, output = here("deploy", *WHERE, "--report", "report.json")
    assert code == 2, output
    assert "two  FAILED   directory" in output
    assert "playbooks/notes.yml:" in output
    assert here.note("one").exists(), "one host's failure is its own"
    report = json.loads((here.folder / "report.json").read_text())
    assert (report["exit_code"], report["hosts"]["two"]["failed"]) == (2, 1)


class TestTeardown:
    def test_it_refuses_without_a_terminal_and_says_what_would_go(
        self, here: Place
    ) -> None:
        assert here("deploy", *WHERE)[0] == 0
        code, output = here("teardown", "--inventory", "inv.yml")
        assert code == 5, output
        assert "--yes" in output
        assert "would change" in output and str(here.folder / "out/one") in output
        assert here.note("one").exists()

    def test_with_yes_it_goes_and_twice_is_fine(self, here: Place) -> None:
        assert here("deploy", *WHERE)[0] == 0
        code, output = here("teardown", "--yes")
        assert (code, "2 changed" in output) == (0, True), output
        assert not here.note("one").parent.exists()
        code, output = here("teardown", "--yes")
        assert (code, "0 changed" in output) == (0, True), output
        code, output = here("teardown")
        assert (code, "nothing to tear down" in output) == (0, True), output

    def test_a_level_takes_more(self, here: Place) -> None:
        more = here.folder / "out" / "more"
        more.write_text("image")
        assert here("teardown", "-i", "inv.yml", "--yes")[0] == 0
        assert more.exists()
        args = ("teardown", "-i", "inv.yml", "--level", "images", "--limit", "one")
        assert here(*args, "--check")[0] == 3
        assert here(*args, "--yes")[0] == 0
        assert not more.exists()


def test_ctrl_c_ends_with_130_a_summary_and_a_report(here: Place) -> None:
    words = ("deploy", "-i", "inv.yml", "-p", "hangs", "-v", "--report", "report.json")
    running = subprocess.Popen(
        [sys.executable, "-u", "-c", MAIN, *words],
        cwd=here.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert running.stdout
    while "waits for" not in (line := running.stdout.readline()):
        assert line, "it ended by itself"
    os.killpg(running.pid, signal.SIGINT)
    output, _ = running.communicate(timeout=20)
    assert running.returncode == 130, output
    assert "interrupted after" in output
    report = json.loads((here.folder / "report.json").read_text())
    assert (report["interrupted"], report["exit_code"]) == (True, 130)


def on_a_terminal(here: Place, *words: str, answer: str) -> tuple[int, str]:
    """Run `provision WORDS` on a terminal, and answer its question."""
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-c", MAIN, *words],
        cwd=here.folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(theirs)
    heard = b""
    with contextlib.suppress(OSError):  # Linux: the other end was closed
        while chunk := os.read(ours, 4096):
            heard += chunk
            if answer and b"Type yes" in heard:
                os.write(ours, f"{answer}\n".encode())
                answer = ""
    os.close(ours)
    return running.wait(20), heard.decode()


@pytest.mark.parametrize(("answer", "code"), [("no", 130), ("yes", 0)])
def test_teardown_asks_on_a_terminal(here: Place, answer: str, code: int) -> None:
    assert here("deploy", *WHERE)[0] == 0
    ended, output = on_a_terminal(here, "teardown", answer=answer)
    assert ended == code, output
    assert ("nothing was touched" in output) == (answer == "no")
    assert here.note("one").exists() == (answer == "no")


def test_a_run_goes_on_when_nobody_reads_it_any_more(here: Place) -> None:
    running = subprocess.Popen(
        [sys.executable, "-c", MAIN, "deploy", *WHERE, "-v"],
        cwd=here.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stdout and running.stderr
    running.stdout.close()
    with running.stderr as errors:
        assert errors.read() == b""
    assert running.wait(20) == 0
    assert here.note("two").exists()


def test_an_internal_error_shows_its_traceback_and_ends_with_1(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provision.api.plan", None)
    code, output = here("plan", *WHERE)
    assert code == 1
    assert "Traceback" in output
    last = "internal error, please report it with the lines above"
    assert output.splitlines()[-1] == last


def test_nothing_slow_is_imported_to_list_the_commands() -> None:
    slow = "{'pydantic', 'rich', 'jinja2', 'paramiko', 'fabric', 'tenacity'}"
    code = f"import provision.cli, sys; print({slow} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
