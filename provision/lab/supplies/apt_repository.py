"""What the hosts download: an apt repository, as mirrors have it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from provision.lab.run_command import command


def index(repository: Path) -> None:
    """Write the index of the .deb files in *repository*, so that apt can use it."""
    packages = "\n".join(_entry(deb) for deb in sorted(repository.glob("*.deb")))
    data = packages.encode()
    (repository / "Packages").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    date = format_datetime(datetime.now(UTC), usegmt=True)
    release = f"Suite: lab\nDate: {date}\nSHA256:\n {digest} {len(data)} Packages\n"
    (repository / "Release").write_text(release)


def _entry(deb: Path) -> str:
    control = command("dpkg-deb", "--field", deb).strip()
    digest = hashlib.sha256(deb.read_bytes()).hexdigest()
    size = deb.stat().st_size
    return f"{control}\nFilename: ./{deb.name}\nSize: {size}\nSHA256: {digest}\n"


def unpack(repository: Path, package: str, folder: Path) -> None:
    """Unpack one of the packages in *repository* to *folder*."""
    for deb in repository.glob(f"{package}_*.deb"):
        command("dpkg-deb", "--extract", deb, folder)
