"""The operating systems that virtual hosts can have, and where they differ for the lab."""

from __future__ import annotations

from dataclasses import dataclass

from provision.errors import LabError


@dataclass(frozen=True, slots=True)
class HostSystem:
    """An operating system of virtual hosts.

    Attributes:
        name: as `lab.up --system` has it.
        suite: of Debian's archive.
        busybox: the place of the program in the package busybox-static.
        offered: packages that its hosts can install, beside those of all systems.
        archive_packages: packages that the archives of programs are made from, beside
            those of all systems.
    """

    name: str
    suite: str
    busybox: str
    offered: tuple[str, ...]
    archive_packages: tuple[str, ...]


def _python(version: str) -> tuple[str, ...]:
    """Return the packages with a Python for the stand-in for Grafana."""
    library = f"libpython{version}"
    return (f"python{version}-minimal", f"{library}-minimal", f"{library}-stdlib")


DEBIAN_12 = HostSystem("debian12", "bookworm", "bin/busybox", (), _python("3.11"))
DEBIAN_13 = HostSystem(
    *("debian13", "trixie", "usr/bin/busybox"),
    offered=("docker-cli",),
    archive_packages=("promtool", *_python("3.13")),
)
SYSTEMS = {system.name: system for system in (DEBIAN_12, DEBIAN_13)}
DEFAULT = DEBIAN_12


def system_named(name: str) -> HostSystem:
    """Return the system of this name.

    Raises:
        LabError: there is none.
    """
    if found := SYSTEMS.get(name):
        return found
    raise LabError(
        f"the lab has no hosts of {name!r}", hint=f"one of: {', '.join(SYSTEMS)}"
    )
