"""Exports of an NFS server; exportfs is a stand-in that reads the files as the real one does.

NFS with a real kernel's server is in tests/lab/hardware/test_nfs.py.
"""

from __future__ import annotations

from collections.abc import Callable

from provision.model.shell import Reply
from provision.steps.mounts.nfs_export import NfsExport, NfsExportAbsent

Run = Callable[..., Reply]
STAND_IN = r"""
mkdir -p /srv/bin /var/lib/nfs
cat >/srv/bin/exportfs <<'E'
#!/bin/sh
[ "$*" = -ra ] || exit 1
for file in /etc/exports /etc/exports.d/*.exports; do
    [ ! -f "$file" ] || sed '/^#/d; /^$/d; s/ /\t/' "$file"
done >/var/lib/nfs/etab
E
chmod 755 /srv/bin/exportfs
"""
STEP = NfsExport(name="rack", folders=("/srv/data",), clients=("10.0.0.2", "10.0.0.3"))
FEWER = STEP.model_copy(update={"clients": ("10.0.0.2",)})


def with_server(text: str) -> str:
    return f"export PATH=/srv/bin:$PATH\n{text}"


def test_a_client_is_added_to_what_is_exported(host: Run) -> None:
    def do(step: NfsExport) -> str:
        return with_server(step.apply(step.plan({})).render())

    before = host(STAND_IN, do(FEWER), STEP.probe())
    changes = [str(change) for change in STEP.plan(STEP.observe(before))]
    assert changes[1:] == ["/srv/data 10.0.0.3: (absent) -> exported"]
    after = host(STAND_IN, do(FEWER), do(STEP), STEP.probe())
    assert STEP.plan(STEP.observe(after)) == []
    folder = host(STAND_IN, do(STEP), "stat -c '%a %U' /srv/data")
    assert folder.stdout == "2775 root\n"


def test_one_that_is_written_and_not_read_is_a_difference(host: Run) -> None:
    lose = ": >/var/lib/nfs/etab"
    do = with_server(STEP.apply(STEP.plan({})).render())
    found = STEP.observe(host(STAND_IN, do, lose, STEP.probe()))
    assert {change.after for change in STEP.plan(found)} == {"exported"}


def test_a_host_that_is_no_server_is_told(host: Run) -> None:
    reply = host(STEP.apply(STEP.plan({})))
    assert reply.exit == 1
    assert "nfs-kernel-server" in STEP.advice(reply.stderr)


def test_exports_are_gone(host: Run) -> None:
    gone = NfsExportAbsent(name="rack")
    do = with_server(STEP.apply(STEP.plan({})).render())
    found = gone.observe(host(STAND_IN, do, gone.probe()))
    assert found == {"file": "/etc/exports.d/rack.exports"}
    undo = with_server(gone.apply(gone.plan(found)).render())
    reply = host(STAND_IN, do, undo, f"{gone.probe().render()}\ncat /var/lib/nfs/etab")
    assert reply.stdout == ""
