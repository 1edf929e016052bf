"""Mounts and fstab for real, in a mount namespace; a file system that hangs by FUSE."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from provision.errors import RefusedError
from provision.model.shell import Reply, Sh
from provision.steps.mounts.mount import Mount, MountAbsent

Run = Callable[..., Reply]
HANGS = """
mkdir -p /srv/hangs
exec 9<>/dev/fuse
mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0 nobody /srv/hangs
setsid sleep 60 </dev/null >/dev/null 2>&1 &
echo "$!" >/srv/pid
"""
END = Sh('kill "$(cat /srv/pid)"')
NEEDS_FUSE = pytest.mark.skipif(
    not Path("/dev/fuse").exists(), reason="needs /dev/fuse"
)


def mount(**entry: str) -> Mount:
    return Mount(
        mounts=[{"source": "tmpfs", "type": "tmpfs", "path": "/srv/a", **entry}]
    )


def changed(step: Mount) -> Sh:
    return step.apply(step.plan({}))


def seen(host: Run, *parts: Sh | str, step: Mount) -> dict[str, str]:
    reply: Reply = host(*parts, step.probe())
    assert reply.exit == 0, reply.stderr
    return dict(step.observe(reply))


def test_it_is_mounted_and_in_fstab_and_then_nothing_differs(host: Run) -> None:
    step = mount(options="size=1m")
    state = seen(host, changed(step), step=step)
    assert step.plan(state) == []
    reply = host(changed(step), Sh("cat /etc/fstab; stat -f -c %T /srv/a"))
    assert reply.stdout == "tmpfs /srv/a tmpfs size=1m 0 0\ntmpfs\n"


def test_other_lines_and_comments_of_fstab_stay(host: Run) -> None:
    lines = "# a comment with  two blanks\n\nUUID=1 / ext4 defaults 0 1\nold /srv/a nfs x 0 0\n/dev/b /b xfs * 0 0"
    reply = host(
        f"cat >/etc/fstab <<'E'\n{lines}\nE", changed(mount()), Sh("cat /etc/fstab")
    )
    kept = lines.replace("old /srv/a nfs x 0 0\n", "")
    assert reply.stdout == f"{kept}\ntmpfs /srv/a tmpfs defaults 0 0\n"


def test_one_that_is_only_in_fstab_is_mounted(host: Run) -> None:
    step = mount()
    state = seen(
        host,
        "mkdir /srv/a; echo 'tmpfs /srv/a tmpfs defaults 0 0' >/etc/fstab",
        step=step,
    )
    assert [change.field for change in step.plan(state)] == ["mounted /srv/a"]


def test_files_that_it_would_hide_and_another_mount_are_refused(host: Run) -> None:
    step = mount(source="10.0.0.1:/x", type="nfs")
    with pytest.raises(RefusedError, match="has files in it"):
        step.plan(seen(host, "mkdir /srv/a; touch /srv/a/x", step=step))
    with pytest.raises(RefusedError, match=r"tmpfs \(tmpfs\) is mounted at /srv/a"):
        step.plan(seen(host, "mkdir /srv/a; mount -t tmpfs tmpfs /srv/a", step=step))


@NEEDS_FUSE
def test_what_hangs_is_named_in_time(host: Run) -> None:
    step = mount(source="nobody", type="fuse", path="/srv/hangs")
    reply = host(HANGS, step.probe(), limit_s=20)
    assert reply.exit == 0, reply.stderr
    with pytest.raises(RefusedError, match="/srv/hangs does not answer in 5 s"):
        step.plan(step.observe(reply))


def test_the_room_of_what_is_mounted_is_told(host: Run) -> None:
    # The name of a device or of a server has slashes in it.
    step = mount(source="/dev/x", options="size=8m")
    state = seen(host, changed(step), "head -c 3145728 /dev/zero >/srv/a/x", step=step)
    assert state["room /srv/a"] == "8 5"


@pytest.mark.parametrize("asks", ["df", "stat"])
def test_one_that_answers_from_memory_and_has_no_server_hangs(
    host: Run, asks: str
) -> None:
    step = mount()
    # A stand-in: what a client of NFS remembers is told at once, and these ask the server.
    real = '[ "$1" = -f ] || [ "${0##*/}" = df ] || exec /usr/bin/stat "$@"'
    program = (
        f"mkdir -p /srv/bin; cat >/srv/bin/{asks} <<'E'\n#!/bin/sh\n{real}\n"
        f"exec sleep 60\nE\nchmod 755 /srv/bin/{asks}"
    )
    probe = Sh.of(f"export PATH=/srv/bin:$PATH\n{step.probe().text}", "/srv/a")
    reply = host(changed(step), program, probe, limit_s=20)
    assert step.observe(reply)["path /srv/a"] == "hangs", reply.stderr


def test_mounting_that_hangs_ends_in_time(host: Run) -> None:
    step = Mount(
        mounts=[{"source": "h:/x", "path": "/srv/a", "type": "hangs"}],
        limit_s=1,
    )
    # A stand-in for the program of a type: it waits for a server that never answers.
    program = "mount --bind /srv /sbin 2>/dev/null; printf '#!/bin/sh\\nexec sleep 50\\n' >/srv/mount.hangs; chmod 755 /srv/mount.hangs"
    reply = host(program, changed(step), limit_s=20)
    assert reply.exit != 0
    assert "mounting /srv/a has not ended in 1 s" in reply.stderr
    assert "the server does not answer" in step.advice(reply.stderr)


def test_it_is_unmounted_and_leaves_fstab(host: Run) -> None:
    gone = MountAbsent(paths=("/srv/a",))
    found = gone.observe(host(changed(mount()), gone.probe()))
    assert found.keys() == {"fstab /srv/a", "mounted /srv/a"}
    again = host(changed(mount()), gone.apply(gone.plan(found)), gone.probe())
    assert gone.observe(again) == {}
