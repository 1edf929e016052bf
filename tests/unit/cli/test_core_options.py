"""Invoke's own options on our command lines: honoured or refused, never ignored."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import pytest
from invoke.collection import Collection
from invoke.program import Program
from invoke.tasks import Task
from place import WHERE, Place

from provision import cli
from provision.cli.command import Command
from provision.cli.core_options import SHOWN, Dry

PLAN, REFUSED, INVOKE = "a plan", "refused", "Invoke does it"
DECIDED = {
    "collection": (INVOKE, ""),  # which tasks.py: before any command of ours is there
    "command-timeout": (REFUSED, "--command-timeout=1"),
    "complete": (INVOKE, ""),
    "config": (INVOKE, ""),
    "debug": (INVOKE, ""),
    "dry": (PLAN, "--dry"),
    "echo": (REFUSED, "--echo"),
    "help": (INVOKE, ""),
    "hide": (REFUSED, "--hide=both"),
    "list": (INVOKE, ""),
    "list-depth": (INVOKE, ""),
    "list-format": (INVOKE, ""),
    "no-dedupe": (INVOKE, ""),  # the same command twice
    "print-completion-script": (INVOKE, ""),
    "prompt-for-sudo-password": (REFUSED, "--prompt-for-sudo-password"),
    "pty": (REFUSED, "--pty"),
    "search-root": (INVOKE, ""),
    "version": (INVOKE, ""),
    "warn-only": (REFUSED, "--warn-only"),
    "write-pyc": (INVOKE, ""),
}
"""Each option of Invoke: what becomes of it, and how it is typed."""
TASKS = "from provision import cli\nnamespace = cli.namespace()\n"
TYPED = [word for outcome, word in DECIDED.values() if outcome == REFUSED]
NO_PLAN = [
    "restart",
    "token.rotate",
    "smoke",
    "trust",
    "lab.up",
    "lab.down",
    "lab.reset",
]


def test_each_option_of_this_invoke_has_been_decided_on() -> None:
    known = {str(argument.name) for argument in Program().initial_context.args.values()}
    assert known == set(DECIDED)
    assert set(SHOWN) <= known


@pytest.fixture
def both(here: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The folder of *here*, with a tasks.py."""
    (here.folder / "tasks.py").write_text(TASKS)
    monkeypatch.setenv("HOME", str(here.folder))
    monkeypatch.setattr("getpass.getpass", lambda prompt: "typed")
    return here


def start(here: Place, program: str, *words: str) -> tuple[int, str]:
    """Exit code and output of `PROGRAM WORDS`."""
    if program == "provision":
        return here(*words)
    screen = io.StringIO()
    with (
        contextlib.chdir(here.folder),
        contextlib.redirect_stdout(screen),
        contextlib.redirect_stderr(screen),
    ):
        try:
            Program().run(["invoke", *words])
        except SystemExit as ended:
            return int(ended.code or 0), screen.getvalue()
    return 0, screen.getvalue()


@pytest.mark.parametrize("program", ["provision", "invoke"])
class TestBothPrograms:
    @pytest.mark.parametrize("after", [False, True])
    def test_dry_is_a_plan(self, both: Place, program: str, after: bool) -> None:
        words = ["deploy", *WHERE]
        words = [*words, "--dry"] if after else ["-R", *words]
        code, output = start(both, program, *words)
        assert (code, "4 steps would change" in output) == (3, True), output
        assert not both.note("one").exists()

    @pytest.mark.parametrize("word", TYPED)
    def test_what_has_no_meaning_is_refused(
        self, both: Place, program: str, word: str
    ) -> None:
        for words in ([word, "deploy", *WHERE], ["deploy", *WHERE, word]):
            code, output = start(both, program, *words)
            assert code == 5, output
            name = word.partition("=")[0]
            assert f"{name} is for commands on this machine" in output
            assert not both.note("one").exists()

    @pytest.mark.parametrize("name", NO_PLAN)
    def test_a_command_that_has_no_plan_refuses_dry(
        self, both: Place, program: str, name: str
    ) -> None:
        code, output = start(both, program, "--dry", name)
        assert (code, f"`{name}` cannot only show" in output) == (5, True), output

    def test_a_dry_teardown_removes_nothing(self, both: Place, program: str) -> None:
        assert start(both, program, "deploy", *WHERE)[0] == 0
        code, output = start(both, program, "--dry", "teardown", "--yes")
        assert (code, both.note("one").exists()) == (3, True), output

    def test_commands_that_change_nothing_ignore_dry(
        self, both: Place, program: str
    ) -> None:
        code, output = start(both, program, "--dry", "schema")
        assert (code, "$defs" in output) == (0, True), output

    @pytest.mark.parametrize("source", ["environment", "file", "runtime file"])
    def test_dry_counts_wherever_it_is_set(
        self,
        both: Place,
        program: str,
        source: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        if source == "environment":
            monkeypatch.setenv("INVOKE_RUN_DRY", "1")
        else:
            name = ".invoke.yaml" if source == "file" else "other.yaml"
            (both.folder / name).write_text("run: {dry: true}\n")
        words = ["-f", "other.yaml"] if source == "runtime file" else []
        code, output = start(both, program, *words, "deploy", *WHERE)
        assert (code, "INVOKE_RUN_DRY" in output) == (3, True), output
        assert not both.note("one").exists()
        code, output = start(both, program, *words, "smoke")
        assert (code, "INVOKE_RUN_DRY" in output) == (5, True), output

    def test_other_settings_of_a_file_are_for_other_programs(
        self, both: Place, program: str
    ) -> None:
        settings = "run: {echo: true, pty: true, warn: true}\n"
        (both.folder / ".invoke.yaml").write_text(settings)
        assert start(both, program, "deploy", *WHERE)[0] == 0

    @pytest.mark.parametrize("word", ["--help", "-h"])
    def test_a_command_with_a_bare_word_shows_its_help(
        self, both: Place, program: str, word: str
    ) -> None:
        code, output = start(both, program, "lab.cut", word)
        assert code == 0, output
        assert " lab.cut HOST" in output
        assert "Cut a host off the network" in output
        assert "name of a host of the lab" in output

    def test_an_option_is_no_host(self, both: Place, program: str) -> None:
        code, output = start(both, program, "lab.cut", "--nope")
        assert (code, "`lab.cut` has no option --nope" in output) == (5, True), output


def commands(collection: Collection) -> dict[str, Task[Any]]:
    return {name: collection[name] for name in collection.task_names}


def test_a_short_option_means_the_same_in_every_command() -> None:
    import tasks

    meanings: dict[str, set[str]] = {}
    for task in commands(tasks.namespace).values():
        for argument in task.get_arguments():
            for letter in argument.nicknames:
                meanings.setdefault(letter, set()).add(str(argument.names[0]))
    assert all(len(found) == 1 for found in meanings.values()), meanings
    assert meanings["v"] == {"verbose"}
    assert all(letter.isalpha() for letter in meanings), meanings
    assert not meanings.keys() & {"h", "R"}, "they would hide Invoke's --help and --dry"


def test_what_dry_means_for_each_command_has_been_decided() -> None:
    found: dict[Dry, set[str]] = {}
    for name, task in commands(cli.namespace()).items():
        assert isinstance(task, Command), name
        found.setdefault(task.dry, set()).add(name)
    labs = {"up", "down", "reset", "reboot", "off", "on", "cut", "mend"}
    assert found == {
        Dry.ALWAYS: {"plan", "verify", "status", "metrics", "schema", "encrypt"}
        | {"lab.status", "doctor", "env", "logs", "jobs", "job.logs", "history"}
        | {"images.list", "serve.status", "dashboard"},
        Dry.CHECK: {
            *("deploy", "teardown", "rollback", "stop", "start", "images.prune"),
            *("node.add", "node.remove", "node.drain", "node.replace"),
        },
        Dry.NEVER: {
            "trust",
            "init",
            "commit",
            "smoke",
            *(
                "cp",
                "exec",
                "shell",
                "ray.ray",
                "ray.test",
                "run",
                "job.stop",
                "notebook",
            ),
            *("serve.deploy", "serve.stop", "token.rotate", "restart"),
            *(f"lab.{one}" for one in labs),
        },
    }


class TestHelp:
    def test_that_of_the_program_begins_with_our_commands(self, here: Place) -> None:
        _, output = here("--help")
        first = output.partition("Options:")[0].splitlines()
        for name in ("plan", "deploy", "status", "teardown"):
            assert any(line.split()[:1] == [name] for line in first), output
        for name in ("--echo", "--pty", "--hide", "--write-pyc", "--warn-only"):
            assert name not in output
        assert "-R, --dry" in output and "Echo commands" not in output

    def test_no_command_has_an_option_without_a_name(self, here: Place) -> None:
        for name in cli.namespace().task_names:
            code, output = here(name, "--help")
            assert code == 0, output
            assert "--=" not in output and f" {name} " in output.splitlines()[0] + " "

    def test_dry_is_not_shown_as_what_invoke_makes_of_it(self, here: Place) -> None:
        _, output = here("--help")
        assert "only show what would change" in output
