"""`invoke audit`: what the database says of the pinned packages, and when it says nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import advisories
from advisories import LockError, Pin, UnreachableError

ROOT = Path(__file__).parents[3]
SUMMARY = "An odd header is\nread twice"


class Database(BaseHTTPRequestHandler):
    """Answers as OSV does; *bad* are the packages it knows something of."""

    bad: dict[str, list[str]] = {}
    body: bytes | None = None
    asked: list[Any] = []

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        queries = json.loads(self.rfile.read(size))["queries"]
        self.asked.extend(queries)
        names = [query["package"]["name"] for query in queries]
        ids = [self.bad.get(name, []) for name in names]
        self.answer(
            {"results": [{"vulns": [{"id": i} for i in r]} if r else {} for r in ids]}
        )

    def do_GET(self) -> None:
        self.answer({"id": self.path.rpartition("/")[2], "summary": SUMMARY})

    def answer(self, data: Any) -> None:
        body = self.body if self.body is not None else json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Database, "bad", {})
    monkeypatch.setattr(Database, "body", None)
    monkeypatch.setattr(Database, "asked", [])
    with ThreadingHTTPServer(("127.0.0.1", 0), Database) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def audit(database: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "invoke", "audit", "--database", database],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


def test_each_pinned_package_is_queried(database: str) -> None:
    code, said = audit(database)
    assert code == 0, said
    asked = {(q["package"]["name"], q["version"]) for q in Database.asked}
    assert {q["package"]["ecosystem"] for q in Database.asked} == {"PyPI"}
    pinned = set()
    for file in ROOT.glob("requirements*.txt"):
        for line in file.read_text().splitlines():
            if "==" in line and line[0] not in " #":
                pinned.add(tuple(line.split()[0].split("==")))
    assert asked == pinned and len(asked) > 40
    assert f"no known vulnerability in {len(pinned)} pinned packages" in said


def test_known_vulnerabilities_are_listed_and_fail(database: str) -> None:
    Database.bad = {"hypothesis": ["GHSA-1", "PYSEC-2"]}
    code, said = audit(database)
    assert code == 1, said
    assert "GHSA-1  An odd header is read twice" in said
    assert "2 known vulnerabilities" in said


def test_a_database_that_does_not_answer_is_an_error() -> None:
    code, said = audit("http://127.0.0.1:1")
    assert code == 4, said
    assert "no answer from http" in said and "Connection refused" in said
    assert "pinned packages were NOT checked" in said
    assert "no known" not in said


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b"{}", b'{"results": []}', b'{"results": 3}', b""]
)
def test_an_invalid_answer_is_an_error(database: str, body: bytes) -> None:
    Database.body = body
    with pytest.raises(UnreachableError):
        advisories.known([Pin("x", "1")], database)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x==1\n", "no hash for x==1"),
        ("x==1 \\\n    --hash=sha256:ab\ny==2\n", "no hash for y==2"),
        ("x\n", "no hash for x"),
        ("# nothing\n", "no packages"),
        (None, "No such file"),
    ],
)
def test_an_empty_or_incomplete_lock_file_is_reported(
    tmp_path: Path, text: str | None, said: str
) -> None:
    for name in advisories.LOCKS[1:]:
        (tmp_path / name).write_text("x==1 \\\n    --hash=sha256:ab\n")
    if text is not None:
        (tmp_path / advisories.LOCKS[0]).write_text(text)
    with pytest.raises(LockError, match=said):
        advisories.pins(tmp_path)


def test_what_we_need_is_installed_by_hash_only() -> None:
    """Everything that installs packages of ours from a lock file checks its hashes."""
    lines = (ROOT / "Makefile").read_text().splitlines()
    installs = [line for line in lines if "--requirement" in line]
    assert installs
    assert all("--require-hashes" in line for line in installs)
    assert advisories.pins(ROOT)


def test_pip_refuses_a_package_that_is_not_the_pinned_one(tmp_path: Path) -> None:
    """Use of `--require-hashes`: one byte more, and it is not installed."""
    wheel = tmp_path / "odd-1-py3-none-any.whl"
    wheel.write_bytes(b"not what was locked")
    lock = tmp_path / "lock.txt"
    lock.write_text(f"odd==1 --hash=sha256:{'0' * 64}\n")
    target = ("--target", str(tmp_path / "target"))
    source = ("--no-index", "--find-links", str(tmp_path))
    words = ("install", "--require-hashes", *source, *target, "-r", str(lock))
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr
