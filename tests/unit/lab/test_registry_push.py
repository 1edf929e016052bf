"""Pushing an image, against a small registry in this process."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from provision.errors import LabError
from provision.lab.supplies.registry_push import Repository

IMAGE: dict[str, Any] = {"architecture": "amd64", "config": {"User": "ray"}}


class Registry(HTTPServer):
    """Registry in this process that keeps what was uploaded."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, Any] = {}
        self.order: list[str] = []
        self.full = False


class Handler(BaseHTTPRequestHandler):
    server: Registry

    def do_POST(self) -> None:
        location = f"http://elsewhere:5000{self.path}1?_state=a%2Bb"
        self.reply(202, Location=location)

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.full:
            self.reply(507, "no space left")
        elif "/manifests/" in self.path:
            self.put_manifest(content)
        else:
            self.put_blob(content)

    def put_manifest(self, content: bytes) -> None:
        tag = self.path.rpartition("/")[2]
        manifest = json.loads(content)
        assert self.headers["Content-Type"] == manifest["mediaType"]
        for part in (manifest["config"], *manifest["layers"]):
            assert len(self.server.blobs[part["digest"]]) == part["size"]
        self.server.manifests[tag] = manifest
        self.server.order.append(tag)
        self.reply(201)

    def put_blob(self, content: bytes) -> None:
        query = parse_qs(urlsplit(self.path).query)
        assert query["_state"] == ["a+b"], "the registry's own state comes back"
        (digest,) = query["digest"]
        assert digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.server.blobs[digest] = content
        self.reply(201)

    def reply(self, status: int, body: str = "", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def registry() -> Iterator[Registry]:
    server = Registry()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def tar(tmp_path: Path) -> Path:
    file = tmp_path / "files.tar"
    file.write_bytes(b"many files" * 100_000)
    return file


def repository(registry: Registry) -> Repository:
    return Repository("127.0.0.1", registry.server_port, "a/b")


def test_an_image_is_its_config_and_one_layer(registry: Registry, tar: Path) -> None:
    repository(registry).push(["1.0"], tar, IMAGE)
    manifest = registry.manifests["1.0"]
    (layer,) = manifest["layers"]
    assert registry.blobs[layer["digest"]] == tar.read_bytes()
    config = json.loads(registry.blobs[manifest["config"]["digest"]])
    assert config["rootfs"] == {"type": "layers", "diff_ids": [layer["digest"]]}
    assert config["config"] == {"User": "ray"}
    assert (config["os"], config["architecture"]) == ("linux", "amd64")


def test_tags_are_stored_in_order_so_that_the_last_proves_all(
    registry: Registry, tar: Path
) -> None:
    repository(registry).push(["1.0", "complete"], tar, IMAGE)
    assert registry.order == ["1.0", "complete"]
    assert registry.manifests["1.0"] == registry.manifests["complete"]


def test_an_error_has_the_text_of_the_registry(registry: Registry, tar: Path) -> None:
    registry.full = True
    with pytest.raises(LabError, match="507 no space left"):
        repository(registry).push(["1.0"], tar, IMAGE)
    assert registry.manifests == {}


def test_an_unreachable_registry_is_a_lab_error(registry: Registry, tar: Path) -> None:
    nowhere = Repository("127.0.0.1", 1, "a/b")
    with pytest.raises(LabError, match="refused"):
        nowhere.push(["1.0"], tar, IMAGE)
