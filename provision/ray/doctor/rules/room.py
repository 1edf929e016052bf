"""Rules about the file systems of one host."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from provision.ray.doctor.finding import Finding, warning
from provision.ray.doctor.look.facts import Disk, Facts
from provision.ray.doctor.wanted import DOCKER_ROOT, Wanted
from provision.steps.room import INODES_PER_MB

ENGINE_MB = 600
SPILL_MB = 2048
"""Room below which Ray has none to spill objects to, and for its logs."""
INODES = 20_000


def room_findings(
    facts: Facts, wanted: Wanted, due: Collection[str]
) -> Iterator[Finding]:
    """Yield the file systems that have no room, or cannot be written to."""
    image = wanted.image_mb if "docker_image" in due else 0
    engine = ENGINE_MB if "docker_engine" in due else 0
    needs = {
        DOCKER_ROOT: image + engine,
        wanted.data_dir: SPILL_MB,
    }
    seen: set[str] = set()
    for disk in facts.disks():
        yield from _enough(facts.host, disk, needs.get(disk.path, 0), wanted.data_dir)
        if disk.mount not in seen:
            seen.add(disk.mount)
            yield from _writable(facts.host, disk)


def _enough(host: str, disk: Disk, needed: int, data_dir: str) -> Iterator[Finding]:
    if disk.free_mb < needed:
        spill = disk.path == data_dir
        make = warning if spill else Finding
        what = (
            "objects that Ray spills, and its logs" if spill else "Docker and the image"
        )
        yield make(
            "disk-room",
            host,
            f"{disk.mount} has {disk.free_mb} MB free",
            f"{needed} MB in {disk.path} for {what}",
            "make room there, or put the folder on a larger file system",
        )
    inodes = needed * INODES_PER_MB if disk.path != data_dir else 0
    if disk.inodes is not None and disk.inodes < inodes:
        yield Finding(
            "disk-inodes",
            host,
            f"the file system of {disk.path} has {disk.inodes} inodes free",
            f"{inodes}",
            "remove small files there, or make a file system with more inodes",
        )


def _writable(host: str, disk: Disk) -> Iterator[Finding]:
    if "ro" in disk.options:
        yield Finding(
            "read-only",
            host,
            f"{disk.mount} is mounted read-only",
            f"a file system for {disk.path} that can be written to",
            f"see `dmesg` for errors of the disk, then mount -o remount,rw {disk.mount}",
        )
    elif "noexec" in disk.options and disk.path not in {"/tmp"}:  # noqa: S108
        yield Finding(
            "noexec",
            host,
            f"{disk.mount} is mounted noexec",
            f"a file system for {disk.path} on which programs can be run",
            f"mount -o remount,exec {disk.mount}, and correct /etc/fstab",
        )
