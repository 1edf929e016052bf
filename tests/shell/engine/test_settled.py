"""A host that goes on by itself does so exactly where the controller would."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from shells import EACH_SHELL

from provision.engine.host.batch_script import NEWLINE, proof
from provision.errors import HostError
from provision.model.shell import Reply, quote
from provision.model.step import Settled
from provision.steps.files.file import Directory, File
from provision.testing import Case, load_cases

CASES = [
    case
    for case in load_cases(Path(__file__).parents[2] / "cases")
    if case.step.settled() is not None
]
KINDS = {case.step.kind for case in CASES}


def proven(shell: tuple[str, ...], settled: Settled, reply: Reply) -> bool:
    """Tell whether a host takes *reply* for the one of a step that is settled."""
    seen = quote(f"{reply.stdout}={reply.exit}")
    script = f"{NEWLINE}\nbatch_seen={seen}\ns=1\n{proof(settled)}\nexit $s\n"
    done = subprocess.run(shell, input=script.encode(), check=False, timeout=30)
    return done.returncode == 0


def is_planned_to_stay(case: Case) -> bool:
    try:
        return not case.step.plan(case.step.observe(case.reply))
    except HostError:
        return False


@EACH_SHELL
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_golden_case_is_proven_if_nothing_is_planned(
    case: Case, shell: tuple[str, ...]
) -> None:
    settled = case.step.settled()
    assert settled is not None
    assert proven(shell, settled, case.reply) == is_planned_to_stay(case)


def test_the_cases_have_both_answers_for_most_kinds() -> None:
    both = {
        kind
        for kind in KINDS
        if {is_planned_to_stay(c) for c in CASES if c.step.kind == kind}
        == {True, False}
    }
    assert both >= {"file", "directory", "packages", "systemd_unit", "archive"}
    assert len(both) / len(KINDS) > 0.7


STAT = "stat {mode} {uid} {owner} {gid} {group} 1 {type}:{path}\n"


@EACH_SHELL
@pytest.mark.parametrize("owner", ["ray", "1000"])
@pytest.mark.parametrize("group", ["users", "100"])
@pytest.mark.parametrize(
    "other",
    [
        {},
        {"mode": "755"},
        {"mode": "6440"},
        {"uid": "0", "owner": "root"},
        {"gid": "0", "group": "root"},
        {"uid": "100", "owner": "users", "gid": "1000", "group": "ray"},
        {"type": "regular file"},
        {"path": "/srv/data/other/"},
    ],
)
def test_rights_are_told_apart(
    shell: tuple[str, ...], owner: str, group: str, other: dict[str, str]
) -> None:
    step = Directory(path="/srv/data", owner=owner, group=group, mode="644")
    there = {
        "mode": "644",
        "uid": "1000",
        "owner": "ray",
        "gid": "100",
        "group": "users",
        "type": "directory",
        "path": "/srv/data/",
    }
    reply = Reply(STAT.format(**{**there, **other}))
    assert proven(shell, step.settled(), reply) == (not other)


@EACH_SHELL
@pytest.mark.parametrize(
    "path", ["/srv/a b", "/srv/*", "/srv/$(id)", "/srv/'\"", "/srv/[x]"]
)
def test_odd_names_prove_nothing_else(shell: tuple[str, ...], path: str) -> None:
    step = File(path=path, content="")
    digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    line = "stat 644 0 root 0 root 1 regular empty file:{}\n{}  {}\n"
    assert proven(shell, step.settled(), Reply(line.format(path, digest, path)))
    assert not proven(
        shell, step.settled(), Reply(line.format("/srv/xx", digest, "/srv/xx"))
    )
    assert not proven(shell, step.settled(), Reply(line.format(path, "0" * 64, path)))
    assert not proven(
        shell, step.settled(), Reply(line.format(path, digest, path), exit=1)
    )
