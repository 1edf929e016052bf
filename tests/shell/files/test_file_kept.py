"""More than its content belongs to a file: what a new content keeps, and what not."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import SecretStr
from shells import EACH_SHELL, NOT_BUSYBOX, me, run

from provision.model.change import Change
from provision.steps.files.file import File

Shell = tuple[str, ...]
NEW = (Change("content", None, "x"),)
ACL = "system.posix_acl_access"
CAPABILITY = "security.capability"
NO_ID = 2**32 - 1
USER_OBJ, USER, GROUP_OBJ, MASK, OTHER = 0x01, 0x02, 0x04, 0x10, 0x20


def acl(entries: Mapping[tuple[int, int], int]) -> bytes:
    """An access list as the kernel has it: permissions by tag and id."""
    packed = (
        struct.pack("<HHI", tag, perm, id_) for (tag, id_), perm in entries.items()
    )
    return struct.pack("<I", 2) + b"".join(packed)


def access(path: Path) -> dict[tuple[int, int], int]:
    """The access list of *path*."""
    data = os.getxattr(path, ACL)[4:]
    return {(tag, id_): perm for tag, perm, id_ in struct.iter_unpack("<HHI", data)}


DAEMON = 1
SHARED = {
    (USER_OBJ, NO_ID): 6,
    (USER, DAEMON): 6,
    (GROUP_OBJ, NO_ID): 4,
    (MASK, NO_ID): 6,
    (OTHER, NO_ID): 4,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "it's"
    made.write_text("old\n")
    try:
        os.setxattr(made, ACL, acl(SHARED))
        os.setxattr(made, "user.note", b"keep")
    except OSError as error:
        pytest.skip(f"this file system has no access lists: {error}")
    return made


def rewrite(shell: Shell, path: Path, mode: str, content: str | SecretStr) -> str:
    step = File(path=str(path), content=content, mode=mode, **me())
    done = run(shell, step.apply(NEW), strict=True)
    assert done.exit == 0, done.stderr
    assert step.plan(step.observe(run(shell, step.probe()))) == []
    return done.stdout


@NOT_BUSYBOX
def test_its_access_list_and_attributes_are_kept(shell: Shell, path: Path) -> None:
    rewrite(shell, path, "664", "new\n")
    assert path.read_text() == "new\n"
    assert access(path) == SHARED
    assert os.getxattr(path, "user.note") == b"keep"


@NOT_BUSYBOX
def test_its_mode_limits_its_access_list(shell: Shell, path: Path) -> None:
    rewrite(shell, path, "400", SecretStr("secret\n"))
    assert access(path)[MASK, NO_ID] == 0


@EACH_SHELL
def test_a_new_content_has_no_rights_of_the_old_one(shell: Shell, path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give capabilities")
    path.chmod(0o6755)
    os.setxattr(path, CAPABILITY, struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0))
    rewrite(shell, path, "755", "new\n")
    assert CAPABILITY not in os.listxattr(path)
    assert path.stat().st_mode & 0o7777 == 0o755


@EACH_SHELL
def test_its_other_names_are_told_and_keep_the_old_content(
    shell: Shell, path: Path
) -> None:
    other = path.with_name("other")
    other.hardlink_to(path)
    step = File(path=str(path), content="new\n", mode="664", **me())
    planned = step.plan(step.observe(run(shell, step.probe())))
    assert Change("hard_links", "2", "1") in planned
    told = rewrite(shell, path, "664", "new\n")
    assert told == f"other names (hard links) of {path} keep the old content\n"
    assert (path.read_text(), other.read_text()) == ("new\n", "old\n")


@EACH_SHELL
def test_other_names_are_no_reason_to_rewrite_it(shell: Shell, path: Path) -> None:
    path.with_name("other").hardlink_to(path)
    step = File(path=str(path), content="old\n", mode="664", **me())
    assert step.plan(step.observe(run(shell, step.probe()))) == []


@EACH_SHELL
def test_a_file_of_its_own_says_nothing(shell: Shell, path: Path) -> None:
    assert rewrite(shell, path, "644", "new\n") == ""
    assert rewrite(shell, path.with_name("new"), "644", "new\n") == ""
