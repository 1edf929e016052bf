"""Programs and images that a lab needs, installed or made where they are missing."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from provision.errors import LabError
from provision.lab.engine import Engine
from provision.lab.paths import (
    LABEL,
    NAME,
    RAY_IMAGE,
    REGISTRY,
    REGISTRY_PORT,
    LabPaths,
)
from provision.lab.run_command import run_command, succeeds
from provision.lab.supplies import images
from provision.lab.supplies.registry_push import Repository

Progress = Callable[[str], None]
INSTALL_S = 600
HOST_IMAGE = f"{NAME}-host"
RAY_NAME, _, RAY_TAG = RAY_IMAGE.partition(":")
SEARCH_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
PACKAGE_OF = {
    "docker": "docker.io",
    "mmdebstrap": "mmdebstrap",
    "ip": "iproute2",
    # Signing keys for mmdebstrap; not installed by default on Ubuntu.
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
}
PACKAGE_OF_ENGINE = {"dockerd": "docker.io", "iptables": "iptables"}
CLIENT = "docker-cli"
"""The package of the program docker from Debian 13 on, where docker.io has it no more."""
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
RAY_CONFIG = {
    # As in the upstream image.
    "User": "ray",
    "WorkingDir": "/home/ray",
    "Env": [
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME=/home/ray",
        "LANG=C.UTF-8",
    ],
    "Cmd": ["/bin/bash"],
}


def install_programs(progress: Progress, *, engine: bool) -> None:
    """Install the programs that the lab needs; with *engine* the Docker engine too.

    Raises:
        LabError: some are missing and cannot be installed by this program.
    """
    needed = PACKAGE_OF | (PACKAGE_OF_ENGINE if engine else {})
    missing = {name: package for name, package in needed.items() if not _has(name)}
    if not missing:
        return
    if not shutil.which("apt-get"):
        names = " ".join(sorted(set(missing.values())))
        raise LabError(
            f"the lab needs {names}, and this is neither Debian nor Ubuntu",
            hint="install mmdebstrap, install and start a Docker engine, and try again",
        )
    if os.geteuid():
        names = " ".join(_packages_for(missing))
        raise LabError(
            f"the lab needs {names}, and only root can install packages",
            hint=f"run as root, or first: apt-get install {names}",
        )
    _update()
    packages = _packages_for(missing)
    progress(f"installing {' '.join(packages)}")
    _install(packages)


def _packages_for(missing: Mapping[str, str]) -> list[str]:
    """Return the packages to install for *missing*, the usual package by program."""
    has_client = "docker" in missing and succeeds("apt-cache", "show", CLIENT)
    own = {"docker": CLIENT} if has_client else {}
    return sorted({*{**missing, **own}.values()})


def _has(program: str) -> bool:
    return Path(program).exists() or shutil.which(program, path=SEARCH_PATH) is not None


def _update() -> None:
    # It fails if one of many sources is down, though all that is needed came.
    succeeds("apt-get", "update", limit_s=INSTALL_S)


def _install(packages: list[str]) -> None:
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run_command(
        *("apt-get", "install", "--yes", "--no-install-recommends", *packages),
        env=quiet,
        limit_s=INSTALL_S,
    )


def ensure_host_image(engine: Engine, paths: LabPaths, progress: Progress) -> str:
    """Make the image of the virtual hosts if it is missing; return its name."""
    image = f"{HOST_IMAGE}:{images.recipe(paths.system)}"
    if images.host_missing(paths):
        progress("making the file system of the hosts")
    tar = images.host_tar(paths)
    if not engine.succeeds("image", "inspect", image):
        progress("importing it into the Docker engine")
        label = f"--change=LABEL {LABEL}={paths.root}"
        engine.docker("import", label, str(tar), image, limit_s=INSTALL_S)
    return image


def make_ray_files(paths: LabPaths, progress: Progress) -> Path | None:
    """Make a tar of the Ray image's files; None if the registry has the image already."""
    if _is_stored(paths, _recipe_tag()):
        return None
    progress(f"downloading the packages for {RAY_IMAGE}")
    wheels = images.ray_wheels(paths)
    progress(f"making {RAY_IMAGE}")
    return images.ray_tar(paths, wheels)


def store_ray_image(paths: LabPaths, tar: Path) -> None:
    """Store the Ray image in the running registry, and remove its tar file."""
    registry = Repository(REGISTRY, REGISTRY_PORT, RAY_NAME)
    machine = platform.machine()
    image = {
        "architecture": ARCHITECTURES.get(machine, machine),
        "config": RAY_CONFIG,
    }
    # The second tag names the recipe, and shows that the image was stored completely.
    registry.push((RAY_TAG, _recipe_tag()), tar, image)
    images.remove_ray_tars(paths)


def _recipe_tag() -> str:
    return f"recipe-{images.ray_recipe()}"


def _is_stored(paths: LabPaths, tag: str) -> bool:
    """Return True if the registry's storage has the image; the registry may be down."""
    store = paths.registry_store / "docker/registry/v2/repositories" / RAY_NAME
    return (store / "_manifests/tags" / tag / "current/link").exists()
