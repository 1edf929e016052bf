"""The command line as a user runs it: what it prints, and how it ends."""

from __future__ import annotations

import json

import pytest
from place import WHERE, Place


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
    assert "applying file" in output
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
    assert (code, "no longer exists" in output, "inv.yml" in output) == (
        5,
        True,
        True,
    ), output


def test_a_plan_is_not_remembered(here: Place) -> None:
    assert here("plan", *WHERE)[0] == 3
    code, output = here("plan", "--playbook", "notes")
    assert (code, "--inventory" in output) == (5, True), output


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("plan",), "no inventory was given"),
        (("status",), "no inventory was given"),
        (("plan", "--inventory", "nope"), "there is no inventory 'nope'"),
        (("plan", *WHERE, "--set", "text"), "--set takes name=value"),
        (("plan", *WHERE, "--set", "text=[1"), "--set text: not valid YAML"),
        (("plan", *WHERE, "--forks", "many"), "--forks takes a number"),
        (("plan", *WHERE, "--forks", "0"), "--forks takes a number"),
        (("plan", *WHERE, "--limit", "three"), "--limit three"),
        (("plan", *WHERE, "--tags", "nope"), "--tags nope"),
        (("plan", "--inventory", "inv.yml", "--playbook", "x"), "no playbook 'x'"),
        (("deploy", *WHERE, "--report", "no/report"), "cannot write the report"),
        (("teardown", "--inventory", "inv.yml", "--level", "all"), "images, engine"),
        (("lab.up", "--hosts", "some"), "--hosts takes a number"),
        (("lab.reboot",), "required positional"),
        (("plan", "--no-such"), "there is no command or option '--no-such'"),
        (("no-such-command",), "there is no command or option 'no-such-command'"),
    ],
)
def test_bad_input_ends_with_5_and_one_line(
    here: Place, words: tuple[str, ...], problem: str
) -> None:
    code, output = here(*words)
    assert code == 5, output
    assert problem in output
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


def test_an_internal_error_shows_its_traceback_and_ends_with_1(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provision.api.plan", None)
    code, output = here("plan", *WHERE)
    assert code == 1
    assert "Traceback" in output
    last = "internal error: please report it with the lines above"
    assert output.splitlines()[-1] == last
