"""The room in shared folders: in words, and who is warned that little is left."""

from __future__ import annotations

import pytest

from provision.model.shell import Reply
from provision.ray.steps.shared.share import RaySharedMount
from provision.ray.steps.shared.storage import free_room, served

MEMBERS = [
    {"name": "node1", "groups": ["head"], "address": "10.0.0.1"},
    {"name": "node2", "groups": ["workers"], "address": "10.0.0.2"},
]


def step(origin: str, *names: str) -> RaySharedMount:
    return RaySharedMount(
        cluster="c",
        folders=({"from": origin, "at": "/data"},),
        host_names=names,
        members=MEMBERS,
    )


def warned(one: RaySharedMount, *lines: str) -> list[str]:
    reply = Reply("".join(f"0.{line}\n" for line in lines), "", 0)
    return list(one.remarks(one.observe(reply)))


@pytest.mark.parametrize(
    ("free", "size", "words"),
    [
        (0, 0, "0.0 of 0.0 MB free"),
        (512, 1000, "512 of 1000 MB free"),
        (1536, 2048, "1.5 of 2.0 GB free"),
        (1258291, 2097152, "1.2 of 2.0 TB free"),
        (2**30, 2**44, "1 of 16384 PB free"),
    ],
)
def test_room_in_words(free: int, size: int, words: str) -> None:
    assert free_room(free, size) == words


def test_the_host_that_has_a_folder_warns_that_it_is_nearly_full() -> None:
    own = step("head:/srv/data", "node1", "head")
    [warning] = warned(own, "path=has files", "room=2000 100")
    assert "/data is nearly full: 0.1 of 2.0 GB free" in warning
    assert warned(own, "path=has files", "room=2000 101") == []
    assert warned(own, "path=has files") == [], "unknown is not full"


def test_hosts_that_mount_a_folder_warn_only_for_a_server_outside() -> None:
    full = ("path=ready", "room=2000 10")
    of_head = step("head:/srv/data", "node2", "workers")
    assert warned(of_head, "mounted=nfs4 10.0.0.1:/srv/data rw", *full) == []
    outside = step("nas.lan:/x", "node2", "workers")
    assert len(warned(outside, "mounted=nfs4 nas.lan:/x rw", *full)) == 1


def test_a_folder_of_which_nobody_knows_the_server_is_said_to_be_so() -> None:
    assert list(served({"node1": None})) == []
