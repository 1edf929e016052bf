"""The file systems of the virtual hosts and of the Ray image, made by mmdebstrap.

Made on this machine and not in a container: package downloads then use the machine's
own network set-up and certificates. mmdebstrap does in 20 s what debootstrap followed
by `apt-get install` does in 40 s.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from provision.lab.paths import ARTIFACTS, ARTIFACTS_PORT, RAY_IMAGE, SUITE, Layout
from provision.lab.run_command import command

DATA = Path(__file__).parent / "data"
HOST_PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "openssh-server", "sudo"),
    *("iproute2", "procps", "ca-certificates"),
)
OFFERED_PACKAGES = (
    *("docker.io", "jq", "tree", "docker-registry", "busybox-static"),
    *("curl", "ca-certificates"),
)
ARCHIVE_PACKAGES = (
    "prometheus",
    # What its web pages are made of.
    *("libjs-bootstrap4", "libjs-eonasdan-bootstrap-datetimepicker", "libjs-jquery"),
    *("libjs-jquery-hotkeys", "libjs-moment", "libjs-moment-timezone"),
    *("libjs-mustache", "libjs-popper.js", "libjs-rickshaw", "libjs-d3"),
    "prometheus-node-exporter",
    # The stand-in for Grafana.
    *("python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib"),
    *("libexpat1", "zlib1g"),
)
"""Unpacked to be served as archives, and installed nowhere."""
RAY_PACKAGES = ("python3", "wget")
RAY_REQUIREMENT = f"ray[default]=={RAY_IMAGE.partition(':')[2]}"
WHEEL_KINDS = ("manylinux2014", "manylinux_2_28")
REPOSITORY = f"http://{ARTIFACTS}:{ARTIFACTS_PORT}/apt"
BUILD_S = 600


def recipe() -> str:
    """A short digest of all that the hosts' image is made from."""
    packages = (HOST_PACKAGES, OFFERED_PACKAGES, ARCHIVE_PACKAGES)
    return _digest(packages, "host.sh", "entrypoint.sh")


def ray_recipe() -> str:
    """A short digest of all that the Ray image is made from."""
    return _digest((RAY_PACKAGES, RAY_REQUIREMENT), "ray.sh")


def _digest(about: object, *files: str) -> str:
    digest = sha256(repr(about).encode())
    for name in files:
        digest.update((DATA / name).read_bytes())
    return digest.hexdigest()[:12]


def host_missing(layout: Layout) -> bool:
    """Whether the hosts' file system, or the packages on offer, are still to be made."""
    folders = (layout.packages, layout.parts)
    return not (_host(layout).exists() and all(any(f.glob("*.deb")) for f in folders))


def _host(layout: Layout) -> Path:
    return layout.cache / f"host-{recipe()}.tar"


def host_tar(layout: Layout) -> Path:
    """The hosts' file system; makes the packages on offer along with it."""
    tar = _host(layout)
    if host_missing(layout):
        _forget(layout, "host-*.tar")
        where = {
            "data": str(DATA),
            "debs": str(layout.packages),
            "repository": REPOSITORY,
            "offered": " ".join(OFFERED_PACKAGES),
            "parts": str(layout.parts),
            "unpacked": " ".join(ARCHIVE_PACKAGES),
        }
        _bootstrap(tar, HOST_PACKAGES, "host.sh", where)
    return tar


def ray_tar(layout: Layout, wheels: Path) -> Path:
    """The file system of the stand-in for the Ray image."""
    tar = layout.cache / f"ray-{ray_recipe()}.tar"
    if not tar.exists():
        where = {"wheels": str(wheels), "requirement": RAY_REQUIREMENT}
        _bootstrap(tar, RAY_PACKAGES, "ray.sh", where)
    return tar


def forget_ray_tars(layout: Layout) -> None:
    """Remove what `ray_tar` made."""
    _forget(layout, "ray-*.tar")


def _forget(layout: Layout, pattern: str) -> None:
    for tar in layout.cache.glob(pattern):
        tar.unlink()


def ray_wheels(layout: Layout) -> Path:
    """The folder with Ray's wheels, for the Python of the image, and with pip's."""
    wheels = layout.cache / f"wheels-{RAY_REQUIREMENT.partition('==')[2]}"
    if not wheels.exists():
        part = wheels.with_suffix(".part")
        command(
            *(sys.executable, "-m", "pip", "download", "--quiet", "--dest", part),
            *("--only-binary=:all:", "--python-version=3.11"),
            *(f"--platform={kind}_{platform.machine()}" for kind in WHEEL_KINDS),
            *(RAY_REQUIREMENT, "pip"),
            limit_s=BUILD_S,
        )
        part.rename(wheels)
    return wheels


def _bootstrap(
    tar: Path, packages: Sequence[str], hook: str, env: Mapping[str, str]
) -> None:
    """Make *tar* from *packages* and the script *hook*; appears when it is complete."""
    part = tar.with_suffix(".part")
    tar.parent.mkdir(parents=True, exist_ok=True)
    command(
        *("mmdebstrap", "--quiet", "--format=tar", "--variant=minbase"),
        f"--include={','.join(packages)}",
        f'--customize-hook=sh {DATA}/{hook} "$1"',
        *(SUITE, part),
        env={"TMPDIR": "/var/tmp", **env},  # noqa: S108, /tmp may be small
        limit_s=BUILD_S,
    )
    part.rename(tar)
