"""A host for archives: one tool to download, and the server it downloads from."""

from __future__ import annotations

import hashlib
import io
import os
import platform
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest
from shells import bare_tools, run
from web import Handler

from provision.model.shell import Reply
from provision.model.step import Step
from provision.steps.files.archive import Archive

TOOLS = ["curl", "wget", "busybox wget"]
EACH_TOOL = pytest.mark.parametrize("tool", TOOLS)
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "other")
Shell = tuple[str, ...]


class Files(Handler):
    """Serves what is in `files`, parts of it too; notes what is asked for."""

    files: dict[str, bytes]
    asked: list[str]
    ranges: bool
    cut: int | None
    """After how many bytes to hang up."""

    def get(self) -> None:
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
