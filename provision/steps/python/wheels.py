"""Wheels in a folder of the controller: which there are, and which of them fit a host."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

WHEEL = re.compile(
    r"(?P<name>[A-Za-z0-9_.]+)-(?P<version>[^-]+)(-\d[^-]*)?"
    r"-(?P<python>[^-]+)-(?P<abi>[^-]+)-(?P<platform>[^-]+)\.whl"
)
NORMAL = re.compile(r"[-_.]+")


@dataclass(frozen=True, slots=True)
class HostPython:
    """The Python of a host.

    Attributes:
        version: such as 3.11.2.
        machine: such as x86_64.
    """

    version: str
    machine: str

    @property
    def minor(self) -> str:
        """Return the version without what comes after the second dot: 3.11."""
        return ".".join(self.version.split(".")[:2])

    @property
    def tag(self) -> str:
        """Return the tag of wheels for this very version, such as cp311."""
        return "cp" + self.minor.replace(".", "")


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel; its name says for which Pythons and machines it is.

    Source: PEP 427 and 425, PEP 600.
    """

    path: Path
    name: str
    version: str
    python: frozenset[str]
    abi: frozenset[str]
    platform: frozenset[str]

    def fits(self, host: HostPython) -> bool:
        """Return whether pip would install it on *host*, as far as its name says.

        The version of the C library is left to pip.
        """
        machines = {p == "any" or p.endswith(f"_{host.machine}") for p in self.platform}
        return True in machines and self._fits_python(host)

    def _fits_python(self, host: HostPython) -> bool:
        minor = int(host.minor.split(".")[1])
        older = {f"cp3{number}" for number in range(2, minor + 1)}
        if "abi3" in self.abi and self.python & older:
            return True
        own = {"py3", host.tag, host.tag.replace("cp", "py")}
        return bool(self.python & own) and bool(self.abi & {"none", host.tag})


def normal_name(name: str) -> str:
    """Return the name of a project as an index has it."""
    return NORMAL.sub("-", name).lower()


def wheel_at(path: Path) -> Wheel | None:
    """Return the wheel at *path*; None = its name is not one of a wheel."""
    found = WHEEL.fullmatch(path.name)
    if not found:
        return None
    tags = (frozenset(found[key].split(".")) for key in ("python", "abi", "platform"))
    return Wheel(path, normal_name(found["name"]), found["version"], *tags)


def wheels_in(folder: Path) -> list[Wheel]:
    """Return the wheels in *folder*.

    Raises:
        OSError: it cannot be read.
    """
    return [wheel for path in sorted(folder.iterdir()) if (wheel := wheel_at(path))]


def digest(path: Path) -> str:
    """Return the SHA-256 digest of the file at *path*; a file that stays is read once."""
    about = path.stat()
    return _digest(path, about.st_size, about.st_mtime_ns)


@functools.lru_cache(maxsize=4096)
def _digest(path: Path, size: int, modified_ns: int) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
