"""Getting all that a lab is made of; what is there already is used."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable
from pathlib import Path

from provision.errors import LabError
from provision.lab.engine import Engine
from provision.lab.paths import LABEL, NAME, RAY_IMAGE, REGISTRY, REGISTRY_PORT, Layout
from provision.lab.run_command import command, succeeds
from provision.lab.supplies import images
from provision.lab.supplies.registry_push import Repository

Say = Callable[[str], None]
INSTALL_S = 600
HOST_IMAGE = f"{NAME}-host"
RAY_NAME, _, RAY_TAG = RAY_IMAGE.partition(":")
SEARCH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
PACKAGE_OF = {
    "docker": "docker.io",
    "mmdebstrap": "mmdebstrap",
    "ip": "iproute2",
    # What mmdebstrap checks Debian's packages with; Ubuntu does not come with it.
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
}
PACKAGE_OF_ENGINE = {"dockerd": "docker.io", "iptables": "iptables"}
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


def programs(say: Say, *, engine: bool) -> None:
    """Have the programs the lab needs on this machine; for an *engine* too, if asked.

    Raises:
        LabError: some are missing and cannot be installed from here.
    """
    needed = PACKAGE_OF | (PACKAGE_OF_ENGINE if engine else {})
    missing = sorted({package for have, package in needed.items() if not _has(have)})
    if not missing:
        return
    names = " ".join(missing)
    if not shutil.which("apt-get"):
        raise LabError(
            f"the lab needs {names}, and this is neither Debian nor Ubuntu",
            hint="install and start a Docker engine, install mmdebstrap, and try again",
        )
    if os.geteuid():
        raise LabError(
            f"the lab needs {names}, and only root can install that",
            hint=f"run as root, or install it: apt-get install {names}",
        )
    say(f"installing {names}")
    _install(missing)


def _has(need: str) -> bool:
    return Path(need).exists() or shutil.which(need, path=SEARCH) is not None


def _install(packages: list[str]) -> None:
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    # One dead source of many fails an update that fetched all that is needed.
    succeeds("apt-get", "update", limit_s=INSTALL_S)
    command(
        *("apt-get", "install", "--yes", "--no-install-recommends", *packages),
        env=quiet,
        limit_s=INSTALL_S,
    )


def host_image(engine: Engine, layout: Layout, say: Say) -> str:
    """Have the image of the virtual hosts; returns its name."""
    image = f"{HOST_IMAGE}:{images.recipe()}"
    if images.host_missing(layout):
        say("making the hosts' file system")
    tar = images.host_tar(layout)
    if not engine.does("image", "inspect", image):
        say("giving it to the Docker engine")
        label = f"--change=LABEL {LABEL}={layout.root}"
        engine.docker("import", label, str(tar), image, limit_s=INSTALL_S)
    return image


def ray_files(layout: Layout, say: Say) -> Path | None:
    """A tar of the Ray image's files; None when the registry has the image already."""
    if _pushed(layout, _recipe_tag()):
        return None
    say(f"getting the parts of {RAY_IMAGE}")
    wheels = images.ray_wheels(layout)
    say(f"making {RAY_IMAGE}")
    return images.ray_tar(layout, wheels)


def ray_image(layout: Layout, tar: Path) -> None:
    """Store the Ray image in the running registry; what it was made from can go."""
    registry = Repository(REGISTRY, REGISTRY_PORT, RAY_NAME)
    machine = platform.machine()
    image = {
        "architecture": ARCHITECTURES.get(machine, machine),
        "config": RAY_CONFIG,
    }
    # The second tag says what it was made from, and that it was stored completely.
    registry.push((RAY_TAG, _recipe_tag()), tar, image)
    images.forget_ray_tars(layout)


def _recipe_tag() -> str:
    return f"recipe-{images.ray_recipe()}"


def _pushed(layout: Layout, tag: str) -> bool:
    """Whether the registry's store has the image; asked before the registry runs."""
    store = layout.images / "docker/registry/v2/repositories" / RAY_NAME
    return (store / "_manifests/tags" / tag / "current/link").exists()
