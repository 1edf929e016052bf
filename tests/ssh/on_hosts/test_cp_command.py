"""`cp` over a real sshd: files and folders, to hosts and back, cut links, bad input."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

import pytest
from conftest import Sshd
from support.two_hosts import Hosts, hosts_of

from provision import api

MB = 2**20


@pytest.fixture
def hosts(sshd: Sshd, tmp_path: Path) -> Hosts:
    return hosts_of(tmp_path / "c", sshd.port, sshd.key_file, sshd.public("ed25519"))


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A folder of "the hosts", which are this machine."""
    folder = tmp_path / "there"
    folder.mkdir()
    return folder


def content(size: int) -> bytes:
    return os.urandom(size)


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob(".*")]


def test_a_file_goes_to_a_host_and_back(hosts: Hosts, there: Path) -> None:
    data = content(3 * MB + 17)
    file = hosts.folder / "a file 'x'"
    file.write_bytes(data)
    file.chmod(0o750)
    code, shown = hosts("cp", str(file), f"node1:{there}/")
    assert code == 0, shown
    arrived = there / file.name
    assert arrived.read_bytes() == data
    assert stat.S_IMODE(arrived.stat().st_mode) == 0o750
    code, shown = hosts("cp", f"node1:{arrived}", "back")
    assert code == 0, shown
    assert (hosts.folder / "back").read_bytes() == data
    assert hidden(there) == hidden(hosts.folder) == []


def test_an_empty_file_goes_to_a_host_and_back(hosts: Hosts, there: Path) -> None:
    (hosts.folder / "empty").touch()
    assert hosts("cp", "empty", f"node1:{there}/other")[0] == 0
    assert (there / "other").read_bytes() == b""
    assert hosts("cp", f"node1:{there}/other", "back")[0] == 0
    assert (hosts.folder / "back").read_bytes() == b""


def test_from_several_hosts_each_gets_a_folder(hosts: Hosts, there: Path) -> None:
    (there / "log").write_text("x\n")
    code, shown = hosts("cp", f"all:{there}/log", "new/folder")
    assert code == 0, shown
    for name in ("node1", "node2", "node3"):
        assert (hosts.folder / "new/folder" / name / "log").read_text() == "x\n"


def test_a_folder_goes_to_a_host_and_back(hosts: Hosts, there: Path) -> None:
    tree = hosts.folder / "tree"
    (tree / "empty").mkdir(parents=True)
    (tree / "a/b").mkdir(parents=True)
    (tree / "a/b/small\nfile").write_bytes(b"small")
    (tree / "a/large").write_bytes(content(5 * MB))
    (tree / "link").symlink_to("a/large")
    code, shown = hosts("cp", "tree", f"node2:{there}")
    assert code == 0, shown
    same(tree, there / "tree")
    code, shown = hosts("cp", f"node2:{there}/tree", "back")
    assert code == 0, shown
    same(tree, hosts.folder / "back")


def same(one: Path, other: Path) -> None:
    names = sorted(str(path.relative_to(one)) for path in one.rglob("*"))
    assert names == sorted(str(path.relative_to(other)) for path in other.rglob("*"))
    for name in names:
        assert (one / name).is_symlink() == (other / name).is_symlink()
        if (one / name).is_file():
            assert (one / name).read_bytes() == (other / name).read_bytes()


def test_what_an_earlier_attempt_has_brought_is_not_sent_again(
    hosts: Hosts, there: Path
) -> None:
    data = content(4 * MB)
    file = hosts.folder / "f"
    file.write_bytes(data)
    found = file.stat()
    part = there / f".f.provision-{found.st_size:x}-{found.st_mtime_ns:x}"
    # The first MB is other than the file's: if it is not sent again, the sum is wrong.
    part.write_bytes(b"x" * MB + data[MB : 2 * MB])
    code, shown = hosts("cp", "f", f"node1:{there}/")
    assert code == 2
    assert "its checksum differs" in shown
    assert [*there.iterdir()] == []
    part.write_bytes(data[: 2 * MB + 5])
    code, shown = hosts("cp", "f", f"node1:{there}/")
    assert code == 0, shown
    assert (there / "f").read_bytes() == data


def test_a_file_that_is_there_is_left_alone(hosts: Hosts, there: Path) -> None:
    (hosts.folder / "f").write_bytes(content(MB))
    assert hosts("cp", "f", f"node1:{there}/")[0] == 0
    before = (there / "f").stat()
    assert hosts("cp", "f", f"node1:{there}/")[0] == 0
    after = (there / "f").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert hidden(there) == []


@pytest.mark.parametrize("to_host", [True, False])
def test_a_link_that_is_cut_in_mid_copy(
    sshd: Sshd, hosts: Hosts, there: Path, to_host: bool
) -> None:
    data = content(24 * MB)
    local, remote = hosts.folder / "f", there / "f"
    (local if to_host else remote).write_bytes(data)
    ends = (str(local), f"node1:{remote}")
    moved = 0
    losses: list[str] = []

    def count(host: str, number: int) -> None:
        nonlocal moved
        before, moved = moved, moved + number
        if before < 9 * MB <= moved and not losses:
            for session in sshd.sessions():
                os.kill(session, signal.SIGKILL)

    results = api.copy(
        hosts.folder / "lab.yml",
        *(ends if to_host else reversed(ends)),
        moved=count,
        lost=lambda host, error: losses.append(host),
    )
    assert results.exit_code == 0, results.errors
    assert losses
    assert (remote if to_host else local).read_bytes() == data
    assert hidden(there) == hidden(hosts.folder) == []


def test_refusals_are_one_line(hosts: Hosts, there: Path) -> None:
    (hosts.folder / "f").write_text("x")
    (there / "folder/f").mkdir(parents=True)
    cases = [
        ("f", "node1:/no/such/place", "there is no folder /no/such"),
        ("f", "node1:/no/such/", "there is no folder /no/such/"),
        ("f", f"node1:{there}/folder", "is a folder there"),
        ("f", "node1:/dev/null", "is no regular file"),
        ("f", "node1:/proc/f", "cannot be"),
        ("node1:/no/such", "x", "there is no /no/such on this host"),
        ("node1:/etc/hostname", "/proc/x", "cannot be written on this machine"),
    ]
    for source, target, said in cases:
        code, shown = hosts("cp", source, target)
        assert code == 2, (source, target, shown)
        assert said in shown
        assert shown.count("error: ") == 1
        assert "Traceback" not in shown


def test_a_full_disk_leaves_nothing(hosts: Hosts) -> None:
    folder = hosts.folder / "small"
    folder.mkdir()
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size=3m none {folder}"):
        pytest.skip("no tmpfs can be mounted here")
    try:
        (hosts.folder / "f").write_bytes(content(8 * MB))
        code, shown = hosts("cp", "f", f"node1:{folder}/")
        assert (code, [*folder.iterdir()]) == (2, [])
        assert "no room" in shown
    finally:
        os.system(f"umount {folder}")
