"""Members of an archive: their modes, their depth, and where they may not be."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import Sequence

import pytest
from archive_host import Host, Shell, digest
from shells import EACH_SHELL

pytestmark = pytest.mark.slow
"""Downloads in three shells take too long for `invoke check`."""

File = tuple[str, int]


def member(name: str, mode: int = 0o755, **more: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.mode = mode
    for key, value in more.items():
        setattr(made, key, value)
    return made


def archive(members: Sequence[tarfile.TarInfo]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for entry in members:
            entry.size = 1 if entry.isreg() else 0
            tar.addfile(entry, io.BytesIO(b"x") if entry.isreg() else None)
    return buffer.getvalue()


def unpack(
    shell: Shell, host: Host, members: Sequence[tarfile.TarInfo], strip: int = 1
) -> tuple[int | None, str, str]:
    """Apply a step with an archive of *members*; its exit code, messages and advice."""
    host.has("curl")
    data = archive(members)
    host.server.files["/x"] = data
    step = host.step(
        "v1", url=f"{host.url}/x", checksum=f"sha256:{digest(data)}", strip=strip
    )
    done = host.apply(shell, step)
    if done.exit == 0:
        assert host.becomes(shell, step) == []
    return done.exit, done.stderr, step.advice(done.stderr)


def tree(host: Host) -> list[str]:
    top = host.folder / "v1"
    paths = (path.relative_to(top) for path in top.rglob("*") if not path.is_dir())
    return sorted(str(path) for path in paths if path.name != ".provision")


@EACH_SHELL
def test_rights_of_an_archive_are_those_of_a_download(shell: Shell, host: Host) -> None:
    modes = {"setuid": 0o6777, "secret": 0o600, "shared": 0o666, "tool": 0o755}
    members = [member("p/folder", 0o7777, type=tarfile.DIRTYPE)]
    members += [member(f"p/{name}", mode) for name, mode in modes.items()]
    members += [member("p/again", 0o6777, type=tarfile.LNKTYPE, linkname="p/setuid")]
    assert unpack(shell, host, members)[0] == 0
    wanted = {"setuid": 0o755, "secret": 0o600, "shared": 0o644, "tool": 0o755}
    wanted |= {"folder": 0o755, "again": 0o755, ".": 0o755}
    for name, mode in wanted.items():
        found = (host.folder / "v1" / name).stat()
        assert stat.S_IMODE(found.st_mode) == mode, name
        assert (found.st_uid, found.st_gid) == (os.geteuid(), os.getegid())


DEPTHS: dict[str, tuple[list[str], int, list[str]]] = {
    "plain": (["p/bin/a", "p/b"], 1, ["b", "bin/a"]),
    "dot": (["./p/bin/a", "./p/b"], 1, ["b", "bin/a"]),
    "both": (["./p/bin/a", "p/b"], 1, ["b", "bin/a"]),
    "twice": (["././p//bin/a"], 2, ["a"]),
    "none": (["./a", "bin/b"], 0, ["a", "bin/b"]),
    "several folders": (["p/lib/a", "q/lib/b"], 1, ["lib/a", "lib/b"]),
    "not deep enough": (["readme", "p/a"], 1, ["a"]),
}


@EACH_SHELL
@pytest.mark.parametrize("depth", DEPTHS)
def test_strip_counts_folders_and_not_dots(
    shell: Shell, host: Host, depth: str
) -> None:
    names, strip, wanted = DEPTHS[depth]
    members = [member(name) for name in names]
    members.insert(0, member("./", type=tarfile.DIRTYPE))
    assert unpack(shell, host, members, strip)[0] == 0
    assert tree(host) == wanted


def link(name: str, to: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    return member(name, type=kind, linkname=to)


OUTSIDE: dict[str, list[tarfile.TarInfo]] = {
    "above": [member("p/../../evil")],
    "absolute": [member("/evil")],
    "link above": [link("p/a", "../../evil")],
    "link above by strip": [link("p/a", "../evil")],
    "absolute link": [link("p/a", "/etc/passwd")],
    "by another link": [
        member("p/d/d", type=tarfile.DIRTYPE),
        link("p/b", "d/d"),
        link("p/c", "b/../../.."),
    ],
    "through a link": [link("p/a", "/tmp"), member("p/a/evil")],
    "hard link above": [link("p/a", "../../../evil", tarfile.LNKTYPE)],
    "hard link": [link("p/a", "/etc/passwd", tarfile.LNKTYPE)],
    "device": [member("p/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)],
    "pipe": [member("p/pipe", type=tarfile.FIFOTYPE)],
}


@EACH_SHELL
@pytest.mark.parametrize("kind", OUTSIDE)
def test_what_leads_out_of_the_folder_is_refused(
    shell: Shell, host: Host, kind: str
) -> None:
    host.folder.mkdir(parents=True)
    (host.folder.parent / "evil").write_text("theirs")
    members = [member("p/good"), *OUTSIDE[kind]]
    code, problem, advice = unpack(shell, host, members)
    assert code != 0, problem
    assert "the archive has" in problem or "tar: " in problem
    assert advice or "tar: " in problem
    assert [name for name in host.names() if name != ".part"] == []
    assert (host.folder.parent / "evil").read_text() == "theirs"


@EACH_SHELL
def test_links_inside_are_kept(shell: Shell, host: Host) -> None:
    members = [
        member("p/lib/one.so.1.2"),
        link("p/lib/one.so", "one.so.1.2"),
        link("p/bin", "lib/../lib"),
        link("p/missing", "not/there"),
        link("p/two", "p/lib/one.so.1.2", tarfile.LNKTYPE),
        member("p/..odd"),
    ]
    assert unpack(shell, host, members)[0] == 0
    top = host.folder / "v1"
    assert (top / "bin/one.so").read_text() == "x"
    assert (top / "two").stat().st_nlink == 2
    links = {name: str((top / name).readlink()) for name in ("bin", "missing")}
    assert links == {"bin": "lib/../lib", "missing": "not/there"}
    assert (top / "..odd").is_file()
