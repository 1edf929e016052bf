"""The file systems of the virtual hosts and of the Ray image, made by mmdebstrap.

They are made on this machine and not in a container, so that package downloads use the
machine's network configuration and certificates. mmdebstrap takes 20 s where debootstrap
and `apt-get install` take 40 s.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from provision.lab.paths import ARTIFACTS, ARTIFACTS_PORT, RAY_IMAGE, LabPaths
from provision.lab.run_command import run_command
from provision.lab.system import DEBIAN_12, HostSystem

DATA = Path(__file__).parent / "data"
HOST_PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "openssh-server", "sudo"),
    *("iproute2", "procps", "ca-certificates"),
)
OFFERED_PACKAGES = (
    *("docker.io", "jq", "tree", "docker-registry", "busybox-static"),
    *("curl", "ca-certificates", "python3-venv"),
)
ARCHIVE_PACKAGES = (
    "prometheus",
    # JavaScript for its web pages.
    *("libjs-bootstrap4", "libjs-eonasdan-bootstrap-datetimepicker", "libjs-jquery"),
    *("libjs-jquery-hotkeys", "libjs-moment", "libjs-moment-timezone"),
    *("libjs-mustache", "libjs-popper.js", "libjs-rickshaw", "libjs-d3"),
    "prometheus-node-exporter",
    # For the Python of the Grafana stand-in.
    *("libexpat1", "zlib1g"),
)
"""Packages that are unpacked and served as archives, never installed."""
RAY_SUITE = DEBIAN_12.suite
"""The Ray image is the same on hosts of every system."""
RAY_PACKAGES = ("python3", "wget")
RAY_VERSION = RAY_IMAGE.partition(":")[2]
RAY_REQUIREMENT = f"ray[default]=={RAY_VERSION}"
WHEEL_KINDS = ("manylinux2014", "manylinux_2_28")
REPOSITORY = f"http://{ARTIFACTS}:{ARTIFACTS_PORT}/apt"
BUILD_S = 600


def recipe(system: HostSystem) -> str:
    """Return a short digest of everything that the hosts' image is made from."""
    packages = (system, HOST_PACKAGES, OFFERED_PACKAGES, ARCHIVE_PACKAGES)
    return _digest(packages, "host.sh", "entrypoint.sh")


def ray_recipe() -> str:
    """Return a short digest of everything that the Ray image is made from."""
    return _digest((RAY_SUITE, RAY_PACKAGES, RAY_REQUIREMENT), "ray.sh")


def _digest(about: object, *files: str) -> str:
    digest = sha256(repr(about).encode())
    for name in files:
        digest.update((DATA / name).read_bytes())
    return digest.hexdigest()[:12]


def host_missing(paths: LabPaths) -> bool:
    """Return True if the hosts' file system or the offered packages are missing."""
    folders = (paths.packages, paths.archive_packages)
    return not (_host(paths).exists() and all(any(f.glob("*.deb")) for f in folders))


def _host(paths: LabPaths) -> Path:
    return paths.of_system / f"host-{recipe(paths.system)}.tar"


def host_tar(paths: LabPaths) -> Path:
    """Return the hosts' file system; make it and the offered packages if missing."""
    tar = _host(paths)
    if host_missing(paths):
        _remove_tars(paths.of_system, "host-*.tar")
        variables = {
            "data": str(DATA),
            "debs": str(paths.packages),
            "repository": REPOSITORY,
            "offered": " ".join((*OFFERED_PACKAGES, *paths.system.offered)),
            "parts": str(paths.archive_packages),
            "unpacked": " ".join((*ARCHIVE_PACKAGES, *paths.system.archive_packages)),
        }
        _bootstrap(tar, paths.system.suite, HOST_PACKAGES, "host.sh", variables)
    return tar


def ray_tar(paths: LabPaths, wheels: Path) -> Path:
    """Return the file system of the stand-in for the Ray image; make it if missing."""
    tar = paths.cache / f"ray-{ray_recipe()}.tar"
    if not tar.exists():
        variables = {"wheels": str(wheels), "requirement": RAY_REQUIREMENT}
        _bootstrap(tar, RAY_SUITE, RAY_PACKAGES, "ray.sh", variables)
    return tar


def remove_ray_tars(paths: LabPaths) -> None:
    """Remove the files that `ray_tar` made."""
    _remove_tars(paths.cache, "ray-*.tar")


def _remove_tars(folder: Path, pattern: str) -> None:
    for tar in folder.glob(pattern):
        tar.unlink()


def ray_wheels(paths: LabPaths, version: str = RAY_VERSION) -> Path:
    """Return the folder with the wheels of pip and of Ray for the image's Python."""
    wheels = paths.cache / f"wheels-{version}"
    if not wheels.exists():
        part = wheels.with_suffix(".part")
        run_command(
            *(sys.executable, "-m", "pip", "download", "--quiet", "--dest", part),
            *("--only-binary=:all:", "--python-version=3.11"),
            *(f"--platform={kind}_{platform.machine()}" for kind in WHEEL_KINDS),
            *(f"ray[default]=={version}", "pip"),
            limit_s=BUILD_S,
        )
        part.rename(wheels)
    return wheels


def _bootstrap(
    tar: Path, suite: str, packages: Sequence[str], hook: str, env: Mapping[str, str]
) -> None:
    """Make *tar* from *packages* and the script *hook*; it appears when complete."""
    part = tar.with_suffix(".part")
    tar.parent.mkdir(parents=True, exist_ok=True)
    run_command(
        *("mmdebstrap", "--quiet", "--format=tar", "--variant=minbase"),
        f"--include={','.join(packages)}",
        f'--customize-hook=sh {DATA}/{hook} "$1"',
        *(suite, part),
        env={"TMPDIR": "/var/tmp", **env},  # noqa: S108, /tmp may be small
        limit_s=BUILD_S,
    )
    part.rename(tar)
