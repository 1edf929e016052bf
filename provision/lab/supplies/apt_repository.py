"""The apt repository of the lab, laid out as on a Debian mirror."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from provision.lab.run_command import run_command


def write_index(repository: Path) -> None:
    """Write the index of the .deb files in *repository*, for apt."""
    packages = "\n".join(_index_entry(deb) for deb in sorted(repository.glob("*.deb")))
    data = packages.encode()
    (repository / "Packages").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    date = format_datetime(datetime.now(UTC), usegmt=True)
    release = f"Suite: lab\nDate: {date}\nSHA256:\n {digest} {len(data)} Packages\n"
    (repository / "Release").write_text(release)


def _index_entry(deb: Path) -> str:
    control = run_command("dpkg-deb", "--field", deb).strip()
    digest = hashlib.sha256(deb.read_bytes()).hexdigest()
    size = deb.stat().st_size
    return f"{control}\nFilename: ./{deb.name}\nSize: {size}\nSHA256: {digest}\n"


def unpack(repository: Path, package: str, folder: Path) -> None:
    """Unpack the packages that match *package* in *repository* to *folder*."""
    for deb in repository.glob(f"{package}_*.deb"):
        run_command("dpkg-deb", "--extract", deb, folder)
