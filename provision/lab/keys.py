"""The lab's SSH keys: one opens every host, and each host has its own, known ahead."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from provision.atomic_file import make
from provision.lab.paths import Layout, Node

ADMIN_UID = 1000


def public(private: Path) -> str:
    """The public key of the key file *private*, which is made where it is missing."""
    if not private.exists():
        _make(private)
    key = load_ssh_private_key(private.read_bytes(), password=None)
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return line.decode()


def _make(private: Path) -> None:
    data = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
    )
    # Hosts are made in parallel: the first key counts.
    make(private, data)


def known_hosts(layout: Layout, nodes: Iterable[Node]) -> str:
    """The text of the known_hosts file: both addresses of every host."""
    return "".join(
        f"[127.0.0.1]:{node.port},{node.address} {public(layout.host_key(node))}\n"
        for node in nodes
    )


def host_files(layout: Layout, node: Node) -> bytes:
    """A tar of what makes a host ours: its own key, and ours as an authorised one."""
    public(layout.host_key(node))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        key = layout.host_key(node).read_bytes()
        _add(tar, "etc/ssh/ssh_host_ed25519_key", key, owner=0)
        line = f"{public(layout.key)} provision lab\n".encode()
        _add(tar, "home/admin/.ssh/authorized_keys", line, owner=ADMIN_UID)
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, path: str, data: bytes, owner: int) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(data), 0o600
    entry.uid = entry.gid = owner
    tar.addfile(entry, io.BytesIO(data))
