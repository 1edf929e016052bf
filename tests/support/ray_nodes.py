"""Nodes of a cluster as steps, and the replies of hosts that run them."""

from __future__ import annotations

import json
from typing import Any

from provision.model.shell import Reply
from provision.ray.steps.node.base import RayNode
from provision.ray.steps.node.roles import RayHead, RayWorker

COMMON = {
    "cluster": "lab",
    "image": "rayproject/ray:2.60.0",
    "data_dir": "/var/lib/provision/lab",
}
FILES = "token authority certificate key "
"""Digests of the files that a node with TLS reads; without, only the first counts."""


def head(**more: Any) -> RayHead:
    return RayHead(**{**COMMON, "address": "10.0.0.1", **more})


def worker(**more: Any) -> RayWorker:
    return RayWorker(**{**COMMON, "address": "10.0.0.2", "head": "10.0.0.1", **more})


def running(node: RayNode, health: str = "healthy") -> Reply:
    """Return what the probe prints for *node*, deployed and running."""
    return Reply(
        "status=running\nhealth=starting\nrestart=unless-stopped\nimage_id=sha256:1\n"
        f"files_then={FILES}\nspec={json.dumps(node.container().spec())}\n"
        f"files_now={FILES}\nimage_now=sha256:1\nhealth={health}\n"
    )
