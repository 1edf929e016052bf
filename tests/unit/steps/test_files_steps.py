"""Steps for files accept, observe and plan what they should."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from provision.errors import RefusedError
from provision.model.change import Change
from provision.model.shell import Reply
from provision.steps.files.absent.file_absent import FileAbsent
from provision.steps.files.file import LARGEST, Directory, File


def file(**more: Any) -> File:
    return File(**{"path": "/etc/x", "content": "x", **more})


@pytest.mark.parametrize("owner", ["root", "1000", 1000, "sys-log", "a.b@domain", "m$"])
def test_an_owner_is_a_name_or_a_number(owner: Any) -> None:
    assert file(owner=owner).owner == str(owner)


@pytest.mark.parametrize("owner", ["", "-R", "a b", "root:root", "$(id)", "é", True])
def test_what_is_no_name_is_no_owner(owner: Any) -> None:
    with pytest.raises(ValidationError):
        file(owner=owner)


def test_a_number_is_compared_with_the_number() -> None:
    seen = Reply("stat 644 1000 ray 100 users 1 regular file:/etc/x\n")
    assert file(owner=1000, group="users").observe(seen)["owner"] == "1000"
    assert file(owner="ray", group=100).observe(seen)["owner"] == "ray"
    assert file(owner="ray", group=100).observe(seen)["group"] == "100"


def test_content_that_is_too_large_is_refused_with_its_size() -> None:
    file(content="x" * LARGEST)
    with pytest.raises(ValidationError, match=f"has {LARGEST + 1} bytes"):
        file(content="x" * (LARGEST + 1))


@pytest.mark.parametrize("make", [str, SecretStr])
def test_content_with_a_nul_is_refused(make: Any) -> None:
    with pytest.raises(ValidationError, match="NUL"):
        file(content=make("a\0b"))


def test_a_secret_shows_nowhere_but_in_the_script() -> None:
    step = file(content=SecretStr("hunter2"))
    changes = step.plan({})
    sh = step.apply(changes)
    shown = [step, step.desired(), changes, sh, step.title, step.model_dump_json()]
    assert not any("hunter2" in f"{thing!r} {thing}" for thing in shown)
    assert sh.params["content"] == "hunter2"


def test_a_look_carries_no_secret() -> None:
    assert "hunter2" not in file(content=SecretStr("hunter2")).probe().render()


def test_a_file_that_is_a_directory_is_refused_with_advice() -> None:
    with pytest.raises(RefusedError, match="/etc/x is a directory") as caught:
        file().plan({"type": "directory"})
    assert "another path" in caught.value.hint


@pytest.mark.parametrize(
    ("problem", "advice"),
    [
        ("there is no directory /etc/none/", "`directory` step"),
        ("cat: write error: No space left on device", "free some space"),
        ("chown: invalid user: 'ray:root'", "`user` step"),
        ("chgrp: invalid group: 'ray'", "`user` step"),
        ("something else", ""),
    ],
)
def test_a_failure_says_what_to_do(problem: str, advice: str) -> None:
    assert advice in file().advice(problem)


def test_a_directory_in_order_needs_nothing() -> None:
    step = Directory(path="/srv/data", mode="0750")
    reply = Reply("stat 750 0 root 0 root 1 directory:/srv/data/\n")
    assert step.plan(step.observe(reply)) == []


@pytest.mark.parametrize("path", ["/", "/etc", "//etc", "etc/x", "/a/../etc"])
def test_a_path_whose_removal_would_hurt_is_refused(path: str) -> None:
    with pytest.raises(ValidationError):
        FileAbsent(paths=[path])


def test_a_removal_of_nothing_is_refused() -> None:
    with pytest.raises(ValidationError):
        FileAbsent(paths=[])


def test_what_is_there_is_named_by_its_path() -> None:
    step = FileAbsent(paths=["/srv/a=b", "/srv/c"])
    found = step.observe(Reply("path.0=directory\npath.1=regular file\n"))
    assert step.plan(found) == [
        Change("/srv/a=b", "directory", None),
        Change("/srv/c", "regular file", None),
    ]


def test_a_mount_below_is_refused() -> None:
    step = FileAbsent(paths=["/srv/a"])
    with pytest.raises(RefusedError, match="/srv/a/disk") as caught:
        step.plan(step.observe(Reply("path.0=directory\nmount=/srv/a/disk\n")))
    assert "unmount" in caught.value.hint
