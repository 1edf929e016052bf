"""Push of an image to a registry without a Docker engine: one layer, some tags.

The layer is not compressed: between hosts on one machine, compression would take more
time than it saves, for the push and for each pull.

Source: Docker registry HTTP API V2; image manifest version 2, schema 2.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from provision.errors import LabError

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar"
LIMIT_S = 120
Content = io.BufferedReader | io.BytesIO


@dataclass(frozen=True, slots=True)
class Repository:
    """Images called *name* in the registry at *address* and *port*."""

    address: str
    port: int
    name: str

    def push(self, tags: Sequence[str], tar: Path, image: Mapping[str, Any]) -> None:
        """Store the image with the files of *tar* under all *tags*, in the given order.

        *image* has the keys architecture and config.
        """
        with tar.open("rb") as content:
            layer = self._blob(LAYER, content)
        rootfs = {"type": "layers", "diff_ids": [layer["digest"]]}
        config = json.dumps({"os": "linux", "rootfs": rootfs, **image}).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._blob(CONFIG, io.BytesIO(config)),
            "layers": [layer],
        }
        for tag in tags:
            path = f"/v2/{self.name}/manifests/{tag}"
            self._send("PUT", path, io.BytesIO(json.dumps(manifest).encode()), MANIFEST)

    def _blob(self, media_type: str, content: Content) -> dict[str, Any]:
        """Upload *content*; return its entry for the manifest."""
        digest = f"sha256:{hashlib.file_digest(content, 'sha256').hexdigest()}"
        size = _size(content)
        upload = urlsplit(self._send("POST", f"/v2/{self.name}/blobs/uploads/"))
        target = f"{upload.path}?{upload.query}&digest={digest}"
        self._send("PUT", target, content, "application/octet-stream")
        return {"mediaType": media_type, "size": size, "digest": digest}

    def _send(
        self, method: str, path: str, body: Content | None = None, kind: str = ""
    ) -> str:
        """Send one request; return the Location header of the response."""
        connection = HTTPConnection(self.address, self.port, timeout=LIMIT_S)
        headers = {"Content-Type": kind, "Content-Length": str(_size(body))}
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
        except OSError as error:
            raise LabError(
                f"the lab's registry: {method} {path}: {error}",
                hint="run `invoke lab.up` again",
            ) from error
        finally:
            connection.close()
        if response.status >= 400:
            raise LabError(
                f"the lab's registry: {method} {path}: {response.status} {text[:300]}"
            )
        return response.getheader("Location") or ""


def _size(body: Content | None) -> int:
    """Return the length of *body*, and rewind it."""
    if body is None:
        return 0
    size = body.seek(0, io.SEEK_END)
    body.seek(0)
    return size
