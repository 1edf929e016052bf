"""Archives downloaded for real: each shell, and each tool that downloads."""

from __future__ import annotations

import os
import subprocess

import pytest
from archive_host import ARCH, EACH_TOOL, Host, Shell, digest
from shells import EACH_SHELL, NOT_BUSYBOX, run, without_room

pytestmark = pytest.mark.slow
"""Downloads by three programs in three shells take too long for `invoke check`."""


@EACH_SHELL
@EACH_TOOL
def test_it_is_downloaded_unpacked_and_current(
    shell: Shell, tool: str, host: Host
) -> None:
    host.has(tool)
    host.publish("1.0")
    assert host.becomes(shell, host.step("1.0")) == [
        "current: (absent) -> 1.0",
        f"checksum: (absent) -> {host.url}/sums.txt",
    ]
    assert host.names() == ["1.0", "current"]
    assert host.program() == "I am 1.0\n"
    found = (host.folder / "1.0" / "bin" / "program").stat()
    assert (found.st_uid, found.st_mode & 0o777) == (os.geteuid(), 0o755)
    host.becomes(shell, host.step("1.0"))
    assert host.server.asked == []


@EACH_SHELL
@EACH_TOOL
def test_a_download_goes_on_where_it_was_cut_off(
    shell: Shell, tool: str, host: Host
) -> None:
    host.has(tool)
    data = host.publish("1.0")
    host.part("1.0").parent.mkdir(parents=True)
    host.part("1.0").write_bytes(data[:100_000])
    host.becomes(shell, host.step("1.0", checksum=f"sha256:{digest(data)}"))
    [asked] = host.server.asked
    assert asked.endswith(" 100000")


@EACH_SHELL
@EACH_TOOL
def test_what_was_got_before_the_line_broke_is_kept(
    shell: Shell, tool: str, host: Host
) -> None:
    host.has(tool)
    data = host.publish("1.0")
    step = host.step("1.0", checksum=f"sha256:{digest(data)}")
    host.server.cut = 200_000
    assert host.apply(shell, step).exit != 0
    assert host.part("1.0").read_bytes() == data[:200_000]
    assert without_room(step.observe(run(shell, step.probe()))) == {}
    host.server.cut = None
    host.becomes(shell, step)


@EACH_SHELL
@EACH_TOOL
@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("size", [10, 100_000, 900_000])
def test_a_part_of_something_else_is_thrown_away(
    shell: Shell, tool: str, ranges: bool, size: int, host: Host
) -> None:
    host.has(tool)
    host.server.ranges = ranges
    host.publish("1.0")
    host.part("1.0").parent.mkdir(parents=True)
    host.part("1.0").write_bytes(b"x" * size)
    host.becomes(shell, host.step("1.0"))
    assert host.program() == "I am 1.0\n"


@EACH_SHELL
@EACH_TOOL
def test_what_is_missing_is_reported(shell: Shell, tool: str, host: Host) -> None:
    host.has(tool)
    step = host.step("1.0", checksum=f"sha256:{'a' * 64}")
    done = host.apply(shell, step)
    assert done.exit != 0
    assert f"cannot get {host.url}/program-1.0.linux-{ARCH}.tar.gz" in done.stderr
    assert "there is no such file" in step.advice(done.stderr), done.stderr


@EACH_SHELL
@EACH_TOOL
def test_a_server_that_is_not_there_is_reported(
    shell: Shell, tool: str, host: Host, closed_port: int
) -> None:
    host.has(tool)
    closed = f"http://127.0.0.1:{closed_port}/x.tar.gz"
    step = host.step("1.0", url=closed, checksum=f"sha256:{'a' * 64}")
    host.part("1.0").parent.mkdir(parents=True)
    host.part("1.0").write_bytes(b"part")
    done = host.apply(shell, step)
    assert done.exit != 0
    assert "does not reach that server" in step.advice(done.stderr), done.stderr
    assert host.part("1.0").exists(), "a server that is down is no reason to lose it"


@EACH_SHELL
@EACH_TOOL
def test_a_name_that_is_not_known_is_reported(
    shell: Shell, tool: str, host: Host
) -> None:
    host.has(tool)
    step = host.step("1.0", url="http://none.invalid/x", checksum=f"sha256:{'a' * 64}")
    done = host.apply(shell, step)
    assert done.exit != 0
    assert "see its DNS" in step.advice(done.stderr), done.stderr


@EACH_SHELL
@EACH_TOOL
@pytest.mark.parametrize("size_kb", [100, 400])
def test_a_full_disk_is_reported(
    shell: Shell, tool: str, size_kb: int, host: Host
) -> None:
    """The archive has 300 kB: it fits or not, and what is in it does not."""
    host.has(tool)
    host.publish("1.0")
    host.folder.mkdir(parents=True)
    size = f"size={size_kb}k"
    mount = ["mount", "-t", "tmpfs", "-o", size, "none", str(host.folder)]
    if os.geteuid() or subprocess.run(mount, check=False).returncode:
        pytest.skip("mount is not allowed here")
    try:
        step = host.step("1.0")
        done = host.apply(shell, step)
        assert done.exit != 0
        assert "the disk is full" in step.advice(done.stderr), done.stderr
        assert host.names() == [".part"]
    finally:
        subprocess.run(["umount", host.folder], check=True)


@NOT_BUSYBOX
def test_a_host_without_a_tool_says_which_step_is_missing(
    shell: Shell, host: Host
) -> None:
    step = host.step("1.0")
    done = host.apply(shell, step)
    assert "neither curl nor wget" in done.stderr
    assert "packages: {names: [curl" in step.advice(done.stderr)
