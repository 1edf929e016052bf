"""Steps for users accept, observe and plan what they should."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from provision.errors import RefusedError
from provision.model.change import Change
from provision.model.shell import Reply
from provision.steps.system.users import User, UserAbsent

SEEN = """ops.uid=1000
ops.gid=1000
.1000=ops
ops.home=/home/ops
ops.shell=/bin/sh
ops.in.ops=true
"""


def user(**more: Any) -> User:
    return User(**{"name": "ops", "shell": "/bin/sh", **more})


@pytest.mark.parametrize("name", ["1000", "-r", "a b", "A", "a:b", "x" * 33, ""])
def test_what_useradd_would_refuse_is_refused_here(name: str) -> None:
    with pytest.raises(ValidationError):
        user(name=name)


def test_what_is_not_given_is_not_managed() -> None:
    assert user().plan(user().observe(Reply(SEEN))) == []


@pytest.mark.parametrize(
    ("owner", "said"), [("7:lp", "belongs to lp"), ("4711:UNKNOWN", "to uid 4711")]
)
def test_a_home_of_somebody_else_is_refused(owner: str, said: str) -> None:
    reply = Reply(f"{SEEN}.home./home/ops={owner}\n")
    step = user(home="/home/ops")
    with pytest.raises(RefusedError, match=said):
        step.plan(step.observe(reply))
    assert user().plan(user().observe(reply)) == [], "its home is not ours to set"
    moved = user(home="/srv/ops")
    assert moved.plan(moved.observe(reply)) == [Change("home", "/home/ops", "/srv/ops")]


def test_a_home_of_somebody_else_is_refused_to_a_new_user_and_one_who_moves() -> None:
    step = user(home="/srv/ops")
    for seen in ("", SEEN):
        with pytest.raises(RefusedError, match="/srv/ops of ops belongs to lp"):
            step.plan(step.observe(Reply(f"{seen}.home./srv/ops=7:lp\n")))
        found = step.observe(Reply(f"{seen}.home./srv/ops=0:root\n"))
        assert "home" in {change.field for change in step.plan(found)}


def test_a_home_of_the_number_that_a_user_is_to_have_is_its_own() -> None:
    step = user(home="/home/ops", uid=7)
    seen = step.observe(Reply(f"{SEEN}.home./home/ops=7:lp\n"))
    assert step.plan(seen) == [Change("uid", "1000", "7")]


def test_a_missing_group_of_many_is_added_and_the_others_stay() -> None:
    step = user(groups=["docker"])
    changes = step.plan(step.observe(Reply(SEEN + "ops.in.video=true\n")))
    assert changes == [Change("in.docker", None, "true")]
    assert step.apply(changes).params["groups"] == "docker"


def test_the_primary_group_is_by_default_the_users_own() -> None:
    assert user().desired()["group"] == "ops"
    assert user(group="staff").desired()["group"] == "staff"


def test_a_user_of_a_service_cannot_log_in() -> None:
    assert User(name="prometheus").desired()["shell"] == "/usr/sbin/nologin"


@pytest.mark.parametrize(
    ("problem", "advice"),
    [
        ("useradd: UID 1000 is not unique", "another uid"),
        ("usermod: group 'docker' does not exist", "before it"),
        ("usermod: user ops is currently used by process 1", "stop"),
        ("something else", ""),
    ],
)
def test_a_failure_says_what_to_do(problem: str, advice: str) -> None:
    assert advice in user().advice(problem)


def test_a_user_to_be_removed_shows_in_one_line() -> None:
    step = UserAbsent(name="ops")
    found = step.observe(Reply(SEEN))
    assert step.plan(found) == [Change("uid", "1000", None)]
    assert step.plan(step.observe(Reply())) == []
