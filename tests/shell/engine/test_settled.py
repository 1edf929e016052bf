"""A host that goes on by itself does so exactly where the controller would."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from shells import EACH_SHELL

from provision.engine.host.scripts.proof_script import FUNCTIONS, Wait, probing, proof
from provision.errors import HostError
from provision.model.shell import Reply, Sh, quote
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
    script = f"{FUNCTIONS}\nbatch_seen={seen}\ns=1\n{proof(settled)}\nexit $s\n"
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


WAITED_FOR = [
    case
    for case in load_cases(Path(__file__).parents[2] / "cases")
    if case.step.settle_s and case.step.wait_ends()
]


@pytest.mark.parametrize("case", WAITED_FOR, ids=lambda case: case.name)
def test_a_wait_ends_for_each_golden_case_of_which_nothing_differs(case: Case) -> None:
    ended = [proven(("sh",), end, case.reply) for end in case.step.wait_ends()]
    assert any(ended) or not is_planned_to_stay(case)


def test_waits_of_both_outcomes_are_among_the_cases() -> None:
    kinds = {case.step.kind for case in WAITED_FOR}
    assert kinds >= {"docker_container", "ray_nodes", "prometheus_targets", "reachable"}
    stay = {case.step.kind for case in WAITED_FOR if is_planned_to_stay(case)}
    assert stay >= {"docker_container", "prometheus_targets", "reachable"}


@EACH_SHELL
def test_lines_that_must_be_the_only_ones_are(shell: tuple[str, ...]) -> None:
    only = Settled((("a=* b",), ("c=",)), only=True)
    assert proven(shell, only, Reply("a=* b\nc=\n"))
    assert proven(shell, only, Reply("c=\na=* b\n"))
    for other in ("a=* b\nc=\nd=1\n", "a=* b\n", "c=\nc=\n", "a=x b\nc=\n", ""):
        assert not proven(shell, only, Reply(other))
    assert not proven(shell, only, Reply("a=* b\nc=\n", exit=1))


@EACH_SHELL
def test_a_text_that_must_not_occur_prevents_it(shell: tuple[str, ...]) -> None:
    running = Settled((("running=true",),), never=("\nlistener=", "*"))
    assert proven(shell, running, Reply("running=true\nold_listener=1\n"))
    for other in ("running=true\nlistener=x\n", "listener=x\nrunning=true\n"):
        assert not proven(shell, running, Reply(other))
    assert not proven(shell, running, Reply("running=true\nx=*\n"))


@EACH_SHELL
def test_a_state_that_was_foreseen_is_recognized(shell: tuple[str, ...]) -> None:
    for case in load_cases(Path(__file__).parents[2] / "cases" / "service"):
        try:
            state = case.step.observe(case.reply)
        except HostError:
            continue
        if printed := case.step.printed(state):
            assert proven(shell, printed, case.reply), case.name
            other = case.step.printed({**state, "boot": "odd"})
            assert other is not None
            assert not proven(shell, other, case.reply), case.name


@pytest.mark.parametrize("kind", ["ray_head", "ray_worker"])
def test_a_wait_for_a_node_of_ray_goes_on_until_it_is_healthy(kind: str) -> None:
    step = next(case.step for case in WAITED_FOR if case.step.kind == kind)
    starting = Reply("status=running\nhealth=starting\n")
    assert not [end for end in step.wait_ends() if proven(("sh",), end, starting)]
    for over in ("health=healthy", "health=starting\nrestarts=1"):
        reply = Reply(f"status=running\n{over}\n")
        assert [end for end in step.wait_ends() if proven(("sh",), end, reply)]


RESTARTED_LATER = """
echo >>"$count"
[ "$(wc -l <"$count")" -lt 3 ] && number=1 || number=2
echo "restarts=$number"
"""
"""A probe that prints something else at its third look."""


@EACH_SHELL
@pytest.mark.parametrize(
    ("last", "looks"),
    [("restarts=1\n", 3), ("restarts=0\n", 1), ("other=1\n", 1), (None, 1)],
)
def test_what_was_judged_already_ends_no_wait(
    shell: tuple[str, ...], tmp_path: Path, last: str | None, looks: int
) -> None:
    count = tmp_path / "count"
    probe = Sh.of(RESTARTED_LATER, count=str(count))
    ends = (Settled((("restarts=", ""),)),)
    judged = None if last is None else Reply(last)
    script = "\n".join(
        [FUNCTIONS, probing(probe), "batch_probe", Wait(20, ends, judged).code(None)]
    )
    subprocess.run([*shell], input=script, text=True, check=True, timeout=60)
    assert len(count.read_text().splitlines()) == looks
