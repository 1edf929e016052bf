"""Putting an image into a registry without a Docker engine: one layer, one tag.

Source: Docker registry HTTP API V2; image manifest version 2, schema 2.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from provision.errors import LabError

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
LIMIT_S = 120
BLOCK_B = 1 << 20


@dataclass(frozen=True, slots=True)
class Layer:
    """A compressed tar, and the digest of the plain one."""

    file: Path
    diff_id: str

    @classmethod
    def of(cls, tar: Path) -> Layer:
        """Compress *tar*, quickly rather than well, to a file next to it."""
        digest = hashlib.sha256()
        packed = tar.with_suffix(".tar.gz")
        with tar.open("rb") as plain, gzip.open(packed, "wb", compresslevel=1) as out:
            while block := plain.read(BLOCK_B):
                digest.update(block)
                out.write(block)
        return cls(packed, f"sha256:{digest.hexdigest()}")


@dataclass(frozen=True, slots=True)
class Repository:
    """The images called *name* in the registry at *address* and *port*."""

    address: str
    port: int
    name: str

    def push(self, tag: str, layer: Layer, image: Mapping[str, Any]) -> None:
        """Store an image of one layer; *image* has the keys architecture and config."""
        rootfs = {"type": "layers", "diff_ids": [layer.diff_id]}
        config = {"os": "linux", "rootfs": rootfs, **image}
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._blob(CONFIG, json.dumps(config).encode()),
            "layers": [self._blob(LAYER, layer.file.read_bytes())],
        }
        path = f"/v2/{self.name}/manifests/{tag}"
        self._send("PUT", path, json.dumps(manifest).encode(), MANIFEST)

    def _blob(self, media_type: str, content: bytes) -> dict[str, Any]:
        """Upload *content*, and say how the manifest names it."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        upload = urlsplit(self._send("POST", f"/v2/{self.name}/blobs/uploads/"))
        target = f"{upload.path}?{upload.query}&digest={digest}"
        self._send("PUT", target, content, "application/octet-stream")
        return {"mediaType": media_type, "size": len(content), "digest": digest}

    def _send(self, method: str, path: str, body: bytes = b"", kind: str = "") -> str:
        """Send one request; returns where the reply points to."""
        connection = HTTPConnection(self.address, self.port, timeout=LIMIT_S)
        try:
            connection.request(
                method, path, body, {"Content-Type": kind, "Accept": kind}
            )
            reply = connection.getresponse()
            said = reply.read().decode(errors="replace")
        finally:
            connection.close()
        if reply.status >= 400:
            raise LabError(f"registry: {method} {path}: {reply.status} {said[:300]}")
        return reply.getheader("Location", "")
