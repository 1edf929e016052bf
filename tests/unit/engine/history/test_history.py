"""Runs that changed hosts, by the lines that real runs write: journald is a file here."""

from __future__ import annotations

import getpass
import json
import os
import re
import socket
from pathlib import Path

import pytest
from place import WHERE, Place
from support.printed.schemas import check

LOGGER = """#!/bin/sh
while [ "$1" != -- ]; do shift; done
printf '%s.123456 machine provision[7]: %s\\n' "$(date +%s)" "$2" >>"$LOG"
"""
JOURNALCTL = """#!/bin/sh
since=0
while [ $# -gt 0 ]; do
    case $1 in --since) since=${2#@} ;; esac
    shift
done
awk -v since="$since" '$1 >= since' "$LOG"
"""
ONE = ("history", "-i", "inv.yml", "--limit", "one")
ME = f"{getpass.getuser()}@{socket.gethostname()}"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that stands for the journal."""
    tools, log = tmp_path / "bin", tmp_path / "log"
    tools.mkdir()
    for name, text in (("logger", LOGGER), ("journalctl", JOURNALCTL)):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setenv("LOG", str(log))
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.7 4000 192.0.2.1 22")
    log.write_text("1700000000.5 machine kernel: boot\n")
    return log


def ids(log: Path) -> list[str]:
    return [*dict.fromkeys(re.findall(r" run=(\w+) ", log.read_text()))]


def cluster(log: Path) -> str:
    found = re.search(r" cluster=(\S+) ", log.read_text())
    assert found
    return found[1]


def test_a_run_has_who_from_where_what_and_its_exit_code(
    here: Place, log: Path
) -> None:
    assert here("deploy", *WHERE, "--limit", "one")[0] == 0
    code, shown = here(*ONE)
    assert code == 0, shown
    heading, run, since = shown.splitlines()
    assert heading.split() == [
        "run",
        "began",
        "by",
        "from",
        "playbook",
        "changes",
        "exit",
    ]
    [name] = ids(log)
    assert run.split()[0] == name
    wanted = [ME, "192.0.2.7", "notes", *["2", "on", "1", "host", "0"]]
    assert run.split()[3:] == wanted
    assert since == "journal since 2023-11-14 22:13:20Z: one"


def test_one_run_has_each_of_its_changes(here: Place, log: Path) -> None:
    here("deploy", *WHERE, "--limit", "one")
    [name] = ids(log)
    code, shown = here(*ONE, "--run", name[:5])
    assert code == 0, shown
    first, *lines = shown.splitlines()
    assert first == f"run {name}: 2 changes"
    assert "  exit      0" in lines
    assert re.search(r"Z  one  directory \S+/out/one: \S", lines[-2])
    assert re.search(r"Z  one  file \S+/out/one/note: .*content", lines[-1])


def test_a_run_that_failed_or_was_killed_is_no_success(here: Place, log: Path) -> None:
    here("deploy", *WHERE, "--limit", "one")
    whole = log.read_text()
    log.write_text(whole.replace("exit=0", "exit=2"))
    assert here(*ONE)[1].splitlines()[1].split()[-1] == "2"
    log.write_text(
        "".join(x for x in whole.splitlines(keepends=True) if "exit=" not in x)
    )
    assert here(*ONE)[1].splitlines()[1].rstrip().endswith(" no end noted")


def test_a_run_that_failed_notes_its_exit_code(here: Place, log: Path) -> None:
    here.note("one").mkdir(parents=True)  # where a file is to be
    code, _ = here("deploy", *WHERE)
    assert code == 2
    assert f"exit={code}" in log.read_text()


def test_runs_that_change_nothing_leave_nothing(here: Place, log: Path) -> None:
    here("deploy", *WHERE)
    before = log.read_text()
    here("deploy", *WHERE)
    here("plan", *WHERE)
    assert log.read_text() == before


def test_json_is_as_its_schema_says(here: Place, log: Path) -> None:
    here("deploy", *WHERE, "--limit", "one")
    code, shown = here(*ONE, "--json")
    found = json.loads(shown)
    check("history", found)
    [run] = found["runs"]
    assert (code, run["exit"], run["by"], run["from"]) == (0, 0, ME, ["192.0.2.7"])
    assert [change["host"] for change in run["changes"]] == ["one", "one"]
    assert found["oldest"] == {"one": 1700000000}
    log.write_text(re.sub(r".*exit=.*\n", "", log.read_text()))
    check("history", json.loads(here(*ONE, "--json")[1]))


def test_since_and_last_leave_out_earlier_runs(here: Place, log: Path) -> None:
    here("deploy", *WHERE, "--limit", "one")
    line = log.read_text().splitlines()[-1]
    old = re.sub(r"^\d+", "1700000100", line).replace(ids(log)[0], "0ld0ld00")
    log.write_text(f"{log.read_text()}{old}\n")
    assert "0ld0ld00" in here(*ONE)[1]
    assert "0ld0ld00" not in here(*ONE, "--since", "1d")[1]
    shown = here(*ONE, "--last", "1")[1]
    assert "0ld0ld00" not in shown and "1 earlier run: --last 2" in shown


def test_another_cluster_and_other_programs_are_left_out(
    here: Place, log: Path
) -> None:
    here("deploy", *WHERE, "--limit", "one")
    name, mine = cluster(log), log.read_text()
    other = mine.replace(f"cluster={name} ", f"cluster={name}2 ")
    noise = f"1700000200.1 machine provision[9]: hello cluster={name} run=x by\n"
    log.write_text(other + noise)
    code, shown = here(*ONE)
    assert code == 0
    assert f"no journal has a run of cluster {name}" in shown


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("ffff", "no host that was asked has a run 'ffff' in its journal"),
        ("a", "'a' begins the id of several runs: a1, a2"),
    ],
)
def test_an_id_that_is_none_or_several(
    here: Place, log: Path, word: str, says: str
) -> None:
    here("deploy", *WHERE, "--limit", "one")
    text = log.read_text()
    both = "".join(text.replace(ids(log)[0], name) for name in ("a1", "a2"))
    log.write_text(both)
    code, shown = here(*ONE, "--run", word)
    assert (code, says in shown) == (5, True), shown


def test_a_host_without_a_journal_is_unknown_and_not_without_runs(
    here: Place, log: Path
) -> None:
    (log.parent / "bin/journalctl").write_text("#!/bin/sh\necho broken >&2\nexit 1\n")
    code, shown = here(*ONE)
    assert code == 2, shown
    assert "error: one: its journal was not read: broken" in shown
    assert "no journal has" not in shown


def test_bad_options(here: Place, log: Path) -> None:
    for words, says in (
        (("--since", "x"), "'x' is no age"),
        (("--last", "0"), "--last takes a number"),
        (("--limit", "nobody"), "nobody"),
    ):
        code, shown = here("history", "-i", "inv.yml", *words)
        assert (code, says in shown) == (5, True), shown
