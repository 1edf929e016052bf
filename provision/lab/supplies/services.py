"""The lab network and its two servers: the registry and the artifact server.

Both run in containers, from the hosts' image, with programs of Debian packages that lie
in the cache.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from hashlib import sha256

from provision.errors import LabError
from provision.lab.engine import Engine
from provision.lab.paths import (
    ARTIFACTS,
    ARTIFACTS_PORT,
    BRIDGE,
    GATEWAY,
    LABEL,
    NAME,
    REGISTRY,
    REGISTRY_PORT,
    SUBNET,
    Layout,
)
from provision.lab.supplies.apt_repository import index, unpack
from provision.lab.supplies.images import DATA

START_S = 20
MADE_FROM = f"{LABEL}.made-from"


@dataclass(frozen=True, slots=True)
class Service:
    """A server in the lab network, with the folders it serves."""

    name: str
    address: str
    port: int
    volumes: tuple[str, ...]
    """`FOLDER:WHERE:ro`; those inside others come last."""
    command: tuple[str, ...]

    @property
    def container(self) -> str:
        return f"{NAME}-{self.name}"

    @property
    def made_from(self) -> str:
        """A digest of how its container is run."""
        about = repr((self.volumes, self.command)).encode()
        return sha256(about).hexdigest()[:12]

    def answers(self) -> bool:
        try:
            socket.create_connection((self.address, self.port), timeout=1).close()
        except OSError:
            return False
        return True


def services(layout: Layout) -> tuple[Service, ...]:
    """The lab's servers."""
    serve_images = ("/programs/usr/bin/docker-registry", "serve", "/data/registry.yml")
    serve_files = ("/programs/bin/busybox", "httpd", "-f", "-h", "/files", "-p")
    return (
        Service(
            *("registry", REGISTRY, REGISTRY_PORT),
            *((f"{layout.images}:/images:rw",), serve_images),
        ),
        Service(
            *("artifacts", ARTIFACTS, ARTIFACTS_PORT),
            (f"{layout.tarballs}:/files:ro", f"{layout.packages}:/files/apt:ro"),
            (*serve_files, str(ARTIFACTS_PORT)),
        ),
    )


def network(engine: Engine, layout: Layout) -> None:
    """Have the lab's network."""
    if engine.does("network", "inspect", NAME):
        return
    engine.docker(
        *("network", "create", f"--subnet={SUBNET}", f"--gateway={GATEWAY}"),
        f"--label={LABEL}={layout.root}",
        f"--opt=com.docker.network.bridge.name={BRIDGE}",
        NAME,
    )


def serve(engine: Engine, layout: Layout, image: str) -> None:
    """Have the registry and the artifact server running."""
    if not (layout.packages / "Release").exists():
        index(layout.packages)
    wrong = [one for one in services(layout) if not _is_right(engine, one)]
    if wrong:
        for package in ("docker-registry", "busybox-static"):
            unpack(layout.packages, package, layout.programs)
        layout.images.mkdir(parents=True, exist_ok=True)
    for service in wrong:
        _start(engine, layout, image, service)


def _is_right(engine: Engine, service: Service) -> bool:
    """Whether *service* answers, and is not one that an older version started."""
    label = f'{{{{index .Config.Labels "{MADE_FROM}"}}}}'
    inspect = ("container", "inspect", f"--format={label}", service.container)
    return (
        service.answers()
        and engine.does(*inspect)
        and engine.docker(*inspect) == service.made_from
    )


def _start(engine: Engine, layout: Layout, image: str, service: Service) -> None:
    if engine.does("container", "inspect", service.container):
        engine.docker("rm", "--force", service.container)
    engine.docker(
        *("run", "--detach", f"--name={service.container}"),
        *(f"--label={LABEL}={layout.root}", f"--label={MADE_FROM}={service.made_from}"),
        *(f"--network={NAME}", f"--ip={service.address}", "--restart=unless-stopped"),
        *(f"--volume={volume}" for volume in service.volumes),
        f"--volume={layout.programs}:/programs:ro",
        f"--volume={DATA}:/data:ro",
        *(image, *service.command),
    )
    deadline = time.monotonic() + START_S
    while not service.answers():
        if time.monotonic() > deadline:
            log = engine.docker("logs", "--tail=5", service.container)
            raise LabError(f"the lab's {service.name} server does not start: {log}")
        time.sleep(0.1)
