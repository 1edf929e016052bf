"""The lab's SSH keys: one to log in to all hosts, and a host key for each host."""

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

from provision import atomic_file
from provision.lab.paths import LabPaths, VirtualHost

ADMIN_UID = 1000


def public_key(private: Path) -> str:
    """Return the public key of the key file *private*, which is created if missing."""
    if not private.exists():
        _create(private)
    key = load_ssh_private_key(private.read_bytes(), password=None)
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return line.decode()


def _create(private: Path) -> None:
    data = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
    )
    # Hosts are created in parallel: the first key is kept.
    atomic_file.make(private, data)


def known_hosts(paths: LabPaths, hosts: Iterable[VirtualHost]) -> str:
    """Return the text of the known_hosts file, with both addresses of every host."""
    return "".join(
        f"[127.0.0.1]:{host.port},{host.address} {public_key(paths.host_key(host))}\n"
        for host in hosts
    )


def host_files(paths: LabPaths, host: VirtualHost) -> bytes:
    """Return a tar of the host's own private key and of its authorized_keys file."""
    public_key(paths.host_key(host))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        key = paths.host_key(host).read_bytes()
        _add_file(tar, "etc/ssh/ssh_host_ed25519_key", key, owner=0)
        line = f"{public_key(paths.key)} provision lab\n".encode()
        _add_file(tar, "home/admin/.ssh/authorized_keys", line, owner=ADMIN_UID)
    return buffer.getvalue()


def _add_file(tar: tarfile.TarFile, path: str, data: bytes, owner: int) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(data), 0o600
    entry.uid = entry.gid = owner
    tar.addfile(entry, io.BytesIO(data))
