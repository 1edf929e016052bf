"""The lab network and its two servers: the registry and the artifact server.

Both run in containers, from the hosts' image, with programs of Debian packages that lie
in the cache.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from pathlib import Path

from provision.errors import LabError
from provision.lab.artifacts import index, unpack
from provision.lab.engine import Engine
from provision.lab.images import DATA
from provision.lab.layout import (
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

START_S = 20


@dataclass(frozen=True, slots=True)
class Service:
    """A server in the lab network; *store* is the folder it serves, mounted at *at*."""

    name: str
    address: str
    port: int
    store: Path
    at: str
    command: tuple[str, ...]

    @property
    def container(self) -> str:
        return f"{NAME}-{self.name}"

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
            *(layout.images, "/images:rw", serve_images),
        ),
        Service(
            *("artifacts", ARTIFACTS, ARTIFACTS_PORT),
            *(layout.packages, "/files/apt:ro", (*serve_files, str(ARTIFACTS_PORT))),
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
    silent = [service for service in services(layout) if not service.answers()]
    if silent:
        for package in ("docker-registry", "busybox-static"):
            unpack(layout.packages, package, layout.programs)
        layout.images.mkdir(parents=True, exist_ok=True)
    for service in silent:
        _start(engine, layout, image, service)


def _start(engine: Engine, layout: Layout, image: str, service: Service) -> None:
    if engine.does("container", "inspect", service.container):
        engine.docker("rm", "--force", service.container)
    engine.docker(
        *("run", "--detach", f"--name={service.container}"),
        f"--label={LABEL}={layout.root}",
        *(f"--network={NAME}", f"--ip={service.address}", "--restart=unless-stopped"),
        f"--volume={service.store}:{service.at}",
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
