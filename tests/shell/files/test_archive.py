"""Archives unpacked for real, their versions side by side."""

from __future__ import annotations

import pytest
from archive_host import Host, Shell, digest, packed
from shells import EACH_SHELL

pytestmark = pytest.mark.slow
"""Downloads by three programs in three shells take too long for `invoke check`."""


@EACH_SHELL
def test_two_versions_are_kept_and_going_back_needs_no_network(
    shell: Shell, host: Host
) -> None:
    host.has("curl")
    for version in ("1.0", "2.0", "3.0"):
        host.publish(version)
        host.becomes(shell, host.step(version))
    (host.folder / "mine").mkdir()
    assert host.names() == ["2.0", "3.0", "current", "mine"]
    step = host.step("2.0")
    assert host.becomes(shell, step) == ["current: 3.0 -> 2.0"]
    assert host.server.asked == []
    assert host.program() == "I am 2.0\n"


@EACH_SHELL
def test_the_version_that_was_healthy_is_kept(shell: Shell, host: Host) -> None:
    host.has("curl")
    for version in ("1.0", "2.0", "3.0"):
        host.publish(version)
        host.becomes(shell, host.step(version))
        if version == "1.0":
            (host.folder / "healthy").symlink_to("1.0")
    assert host.names() == ["1.0", "2.0", "3.0", "current", "healthy"]


@EACH_SHELL
def test_another_checksum_of_the_same_version_is_a_change(
    shell: Shell, host: Host
) -> None:
    host.has("curl")
    old = host.publish("1.0")
    host.becomes(shell, host.step("1.0", checksum=f"sha256:{digest(old)}"))
    new = host.publish("1.0", "made anew\n")
    step = host.step("1.0", checksum=f"sha256:{digest(new)}")
    [change] = host.becomes(shell, step)
    assert change == f"checksum: sha256:{digest(old)} -> sha256:{digest(new)}"
    assert host.program() == "made anew\n"
    assert host.names() == ["1.0", "current"]


@EACH_SHELL
def test_the_same_checksum_from_elsewhere_downloads_no_archive(
    shell: Shell, host: Host
) -> None:
    host.has("curl")
    data = host.publish("1.0")
    host.becomes(shell, host.step("1.0", checksum=f"sha256:{digest(data)}"))
    host.becomes(shell, host.step("1.0"))
    assert host.server.asked == ["/sums.txt 0"]


@EACH_SHELL
@pytest.mark.parametrize("data", [b"not an archive", b"\x1f\x8bnot gzip", b"x" * 20480])
def test_what_is_no_archive_is_reported(shell: Shell, data: bytes, host: Host) -> None:
    host.has("curl")
    host.server.files["/x"] = data
    step = host.step("1.0", url=f"{host.url}/x", checksum=f"sha256:{digest(data)}")
    done = host.apply(shell, step)
    assert done.exit != 0
    assert "only tar archives" in step.advice(done.stderr), done.stderr
    assert "current" not in host.names()
    assert ".new" not in host.names()


@EACH_SHELL
@pytest.mark.parametrize("how", ["", "bz2", "xz"])
def test_archives_are_compressed_in_several_ways(
    shell: Shell, how: str, host: Host
) -> None:
    host.has("curl")
    if how:
        host.has({"bz2": "bzip2"}.get(how, how))
    data = packed("1.0", "content", how)
    host.server.files["/x"] = data
    sums = f"sha256:{digest(data)}"
    host.becomes(shell, host.step("1.0", url=f"{host.url}/x", checksum=sums))
    assert host.program() == "content"


@EACH_SHELL
def test_a_strip_that_leaves_nothing_is_reported(shell: Shell, host: Host) -> None:
    host.has("curl")
    host.publish("1.0")
    step = host.step("1.0", strip=3)
    done = host.apply(shell, step)
    assert "nothing is left of it with strip: 3" in done.stderr
    assert "smaller `strip`" in step.advice(done.stderr)


@EACH_SHELL
def test_what_a_killed_run_left_is_replaced(shell: Shell, host: Host) -> None:
    host.has("curl")
    host.publish("1.0")
    (host.folder / ".new" / "half").mkdir(parents=True)
    (host.folder / "1.0" / "half").mkdir(parents=True)
    (host.folder / ".current").symlink_to("nowhere")
    (host.folder / "current").symlink_to("0.9")
    host.becomes(shell, host.step("1.0"))
    assert host.names() == ["1.0", "current"]
    assert not (host.folder / "1.0" / "half").exists()
