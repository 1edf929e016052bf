"""Rules about the packages of one host, and what is installed already."""

from __future__ import annotations

from collections.abc import Iterator

from provision.ray.doctor.finding import Finding, warning
from provision.ray.doctor.look.facts import Facts
from provision.ray.doctor.wanted import Wanted, place_of

OLDEST_DOCKER = (20, 10)


def package_findings(facts: Facts) -> Iterator[Finding]:
    """Yield what would keep a package manager from working."""
    if holder := facts.get("packages_lock"):
        yield warning(
            "package-lock",
            facts.host,
            holder,
            "nobody else who installs packages",
            "wait until it is done; a deploy waits two minutes",
        )
    if half := facts.get("packages_half"):
        yield warning(
            "package-half-installed",
            facts.host,
            f"not wholly installed: {half}",
            "no package that is half installed: each later installation may fail",
            "apt-get install -f",
        )
    if facts.get("packages_interrupted"):
        yield warning(
            "package-interrupted",
            facts.host,
            "dpkg was interrupted",
            "dpkg that has done its work",
            "dpkg --configure -a (a deploy does it as well)",
        )
    asked = facts.get("packages") == "apt" and not facts.get("packages_lock")
    if asked and not facts.get("apt_sites"):
        yield Finding(
            "package-sources",
            facts.host,
            "apt has no source of packages that it reaches over the network",
            "a source in /etc/apt/sources.list or sources.list.d",
            "write the distribution's sources there, then apt-get update",
        )


def index_places(facts: Facts) -> list[str]:
    """Return `host:port` of each site that the package manager would ask."""
    proxy = facts.get("apt_proxy")
    sites = [proxy] if proxy else facts.get("apt_sites").split()
    return list(dict.fromkeys(filter(None, map(place_of, sites))))


def docker_findings(facts: Facts, wanted: Wanted) -> Iterator[Finding]:
    """Yield what is wrong with a Docker that is there already."""
    program = facts.get("docker_program")
    if not wanted.docker or not program:
        return
    version = facts.get("docker_version")
    if program.startswith("/snap/") or program.endswith("/snap"):
        yield Finding(
            "docker-foreign",
            facts.host,
            f"docker is a snap ({program})",
            "Docker from packages: a snap keeps its files and daemon.json elsewhere",
            "snap remove docker; a deploy installs it from packages",
        )
    elif program.endswith("/podman"):
        yield Finding(
            "docker-foreign",
            facts.host,
            f"docker is podman ({program})",
            "Docker itself",
            "remove the package podman-docker; a deploy installs Docker",
        )
    elif not version:
        yield warning(
            "docker-stopped",
            facts.host,
            "Docker is installed and does not answer",
            "an engine that runs",
            "see `systemctl status docker` and `journalctl -u docker`; a deploy starts it",
        )
    elif _numbers(version) < OLDEST_DOCKER:
        yield warning(
            "docker-old",
            facts.host,
            f"Docker {version}",
            f"{'.'.join(map(str, OLDEST_DOCKER))} or newer",
            "upgrade it with the package manager",
        )


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")[:2]
    return tuple(int(part) for part in parts if part.isdigit())
