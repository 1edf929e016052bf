"""Archives for real: a server on loopback, each shell, and each tool that downloads."""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import platform
import shutil
import socket
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from shells import EACH_SHELL, NOT_BUSYBOX, bare_tools, run

from provision.model.shell import Reply
from provision.model.step import Step
from provision.steps.files.archive import Archive

pytestmark = pytest.mark.slow
"""Downloads by three programs in three shells take too long for `invoke check`."""

Shell = tuple[str, ...]
TOOLS = ["curl", "wget", "busybox wget"]
EACH_TOOL = pytest.mark.parametrize("tool", TOOLS)
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "other")


class Files(http.server.BaseHTTPRequestHandler):
    """Serves what is in `files`, parts of it too; notes what is asked for."""

    files: dict[str, bytes]
    asked: list[str]
    ranges: bool
    cut: int | None
    """After how many bytes to hang up."""

    def do_GET(self) -> None:
        start = self.headers.get("Range", "bytes=0-")[6:].partition("-")[0]
        self.asked.append(f"{self.path} {start}")
        data = self.files.get(self.path)
        begin = int(start) if self.ranges else 0
        if data is None:
            self.send_error(404)
        elif begin and begin >= len(data):
            self.send_error(416)
        else:
            self.send_response(206 if begin else 200)
            self.send_header("Content-Length", str(len(data) - begin))
            if begin:
                whole = f"bytes {begin}-{len(data) - 1}/{len(data)}"
                self.send_header("Content-Range", whole)
            self.end_headers()
            self.wfile.write(data[begin : self.cut])

    def log_message(self, *args: object) -> None:
        pass


class Host:
    """A host with one tool to download, and the server it downloads from."""

    def __init__(self, tmp_path: Path, files: type[Files], port: int) -> None:
        self.folder = tmp_path / "o p't" / "program"
        self.tools = bare_tools(tmp_path / "bin")
        self.server = files
        self.url = f"http://127.0.0.1:{port}"
        for name in ("tar", "gzip"):
            self._link(name)

    def _link(self, name: str) -> None:
        if not (found := shutil.which(name)):
            pytest.skip(f"{name} is not installed here")
        (self.tools / name).symlink_to(found)

    def has(self, tool: str) -> None:
        """Put *tool* on its path."""
        if tool.startswith("busybox "):
            found = shutil.which("busybox") or pytest.skip("no busybox")
            (self.tools / "wget").symlink_to(found)
        else:
            self._link(tool)

    def publish(self, version: str, content: str = "") -> bytes:
        """Have an archive of *version* on the server, and its line among the sums."""
        data = packed(version, content or f"I am {version}\n")
        name = f"program-{version}.linux-{ARCH}.tar.gz"
        sums = self.server.files.get("/sums.txt", b"").decode()
        lines = [line for line in sums.splitlines() if not line.endswith(name)]
        lines.append(f"{digest(data)}  {name}")
        self.server.files["/sums.txt"] = "\n".join(lines).encode()
        self.server.files[f"/{name}"] = data
        return data

    def step(self, version: str, **more: Any) -> Archive:
        given = {
            "url": f"{self.url}/program-{version}.linux-%ARCH%.tar.gz",
            "checksum": f"{self.url}/sums.txt",
            "folder": str(self.folder),
            "version": version,
        }
        return Archive(**{**given, **more})

    def apply(self, shell: Shell, step: Step) -> Reply:
        self.server.asked.clear()
        env = {"PATH": str(self.tools), "LC_ALL": "C"}
        return run(shell, step.apply([]), strict=True, env=env)

    def becomes(self, shell: Shell, step: Step) -> list[str]:
        """Apply *step*, and see that nothing is left to do; what changed."""
        changes = step.plan(step.observe(run(shell, step.probe())))
        done = self.apply(shell, step)
        assert done.exit == 0, done.stderr
        assert step.plan(step.observe(run(shell, step.probe()))) == []
        return [str(change) for change in changes]

    def program(self) -> str:
        return (self.folder / "current" / "bin" / "program").read_text()

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def part(self, version: str) -> Path:
        return self.folder / ".part" / version


def packed(version: str, content: str, how: str = "gz") -> bytes:
    """An archive as publishers make them: all in one folder."""
    buffer = io.BytesIO()
    mode: Any = f"w:{how}"
    with tarfile.open(fileobj=buffer, mode=mode) as tar:
        for name, data in {
            "bin/program": content.encode(),
            "noise": os.urandom(300_000),  # more than fits in a pipe
        }.items():
            entry = tarfile.TarInfo(f"program-{version}/{name}")
            entry.mode, entry.size, entry.uid = 0o755, len(data), 12345
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    given = {"files": {}, "asked": [], "ranges": True, "cut": None}
    files = type("CommandOptions", (Files,), given)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Host(tmp_path, files, server.server_port)
        server.shutdown()


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
    assert step.observe(run(shell, step.probe())) == {}
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
def test_what_is_missing_is_told(shell: Shell, tool: str, host: Host) -> None:
    host.has(tool)
    step = host.step("1.0", checksum=f"sha256:{'a' * 64}")
    done = host.apply(shell, step)
    assert done.exit != 0
    assert f"cannot get {host.url}/program-1.0.linux-{ARCH}.tar.gz" in done.stderr
    assert "there is no such file" in step.advice(done.stderr), done.stderr


@EACH_SHELL
@EACH_TOOL
def test_a_server_that_is_not_there_is_told(
    shell: Shell, tool: str, host: Host
) -> None:
    host.has(tool)
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = f"http://127.0.0.1:{server.getsockname()[1]}/x.tar.gz"
    step = host.step("1.0", url=closed, checksum=f"sha256:{'a' * 64}")
    host.part("1.0").parent.mkdir(parents=True)
    host.part("1.0").write_bytes(b"part")
    done = host.apply(shell, step)
    assert done.exit != 0
    assert "does not reach that server" in step.advice(done.stderr), done.stderr
    assert host.part("1.0").exists(), "a server that is down is no reason to lose it"


@EACH_SHELL
@EACH_TOOL
def test_a_name_that_is_not_known_is_told(shell: Shell, tool: str, host: Host) -> None:
    host.has(tool)
    step = host.step("1.0", url="http://none.invalid/x", checksum=f"sha256:{'a' * 64}")
    done = host.apply(shell, step)
    assert done.exit != 0
    assert "see its DNS" in step.advice(done.stderr), done.stderr


@EACH_SHELL
@EACH_TOOL
@pytest.mark.parametrize("size_kb", [100, 400])
def test_a_full_disk_is_told(shell: Shell, tool: str, size_kb: int, host: Host) -> None:
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


@EACH_SHELL
def test_another_content_than_promised_is_refused(shell: Shell, host: Host) -> None:
    host.has("curl")
    data, promised = host.publish("1.0"), "a" * 64
    step = host.step("1.0", checksum=f"sha256:{promised}")
    done = host.apply(shell, step)
    assert done.exit != 0
    assert f"promised sha256:{promised}" in done.stderr
    assert f"found    sha256:{digest(data)}" in done.stderr
    assert "publisher's page" in step.advice(done.stderr)
    assert not host.part("1.0").exists()
    assert host.names() == [".part"]


@EACH_SHELL
def test_a_web_page_instead_of_the_archive_is_told(shell: Shell, host: Host) -> None:
    host.has("curl")
    host.publish("1.0")
    host.server.files[f"/program-1.0.linux-{ARCH}.tar.gz"] = b"<!DOCTYPE html>log in"
    assert "but a web page" in host.apply(shell, host.step("1.0")).stderr


@EACH_SHELL
@pytest.mark.parametrize(
    "sums",
    [
        "{sum}",
        "{sum} *{name}\n",
        "{sum}  ./{name}\r\n",
        "{other}  x-{name}\n{sum}  {name}\n",
    ],
)
def test_files_of_sums_come_in_several_forms(
    shell: Shell, sums: str, host: Host
) -> None:
    host.has("curl")
    data, name = host.publish("1.0"), f"program-1.0.linux-{ARCH}.tar.gz"
    text = sums.format(sum=digest(data), other="b" * 64, name=name)
    host.server.files["/sums.txt"] = text.encode()
    host.becomes(shell, host.step("1.0"))


@EACH_SHELL
@pytest.mark.parametrize("sums", ["", "garbage\n", f"{'a' * 64}  other.tar.gz\n"])
def test_a_file_without_its_sum_is_told(shell: Shell, sums: str, host: Host) -> None:
    host.has("curl")
    host.publish("1.0")
    host.server.files["/sums.txt"] = sums.encode()
    step = host.step("1.0")
    done = host.apply(shell, step)
    assert f"/sums.txt has no SHA-256 sum of program-1.0.linux-{ARCH}" in done.stderr
    assert "another version" in step.advice(done.stderr)


@EACH_SHELL
def test_each_architecture_has_its_checksum(shell: Shell, host: Host) -> None:
    host.has("curl")
    data = host.publish("1.0")
    sums = {"amd64": f"sha256:{digest(data)}", "arm64": f"sha256:{digest(data)}"}
    host.becomes(shell, host.step("1.0", checksum=sums))
    del sums[ARCH]
    step = host.step("1.0", checksum=sums)
    done = host.apply(shell, step)
    assert f"there is no checksum for {ARCH}" in done.stderr
    assert "add the architecture" in step.advice(done.stderr)


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
def test_what_is_no_archive_is_told(shell: Shell, data: bytes, host: Host) -> None:
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
def test_a_strip_that_leaves_nothing_is_told(shell: Shell, host: Host) -> None:
    host.has("curl")
    host.publish("1.0")
    step = host.step("1.0", strip=3)
    done = host.apply(shell, step)
    assert "nothing is left of it with strip: 3" in done.stderr
    assert "smaller `strip`" in step.advice(done.stderr)


@NOT_BUSYBOX
def test_a_host_without_a_tool_says_which_step_is_missing(
    shell: Shell, host: Host
) -> None:
    step = host.step("1.0")
    done = host.apply(shell, step)
    assert "neither curl nor wget" in done.stderr
    assert "packages: {names: [curl" in step.advice(done.stderr)


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
