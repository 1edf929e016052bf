"""The lab network and its two servers: the registry and the artifact server.

Both run in containers of the hosts' image, with programs from Debian packages in the
cache.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
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
    SECOND,
    SECOND_BRIDGE,
    SECOND_SUBNETS,
    SUBNET,
    LabPaths,
)
from provision.lab.supplies.apt_repository import unpack, write_index
from provision.lab.supplies.images import DATA

START_S = 20
MADE_FROM = f"{LABEL}.made-from"


@dataclass(frozen=True, slots=True)
class LabServer:
    """A server in the lab network, with the folders that it serves."""

    name: str
    address: str
    port: int
    volumes: tuple[str, ...]
    """`FOLDER:MOUNT_POINT:ro`; a mount inside another one comes after it."""
    command: tuple[str, ...]

    @property
    def container(self) -> str:
        return f"{NAME}-{self.name}"

    @property
    def made_from(self) -> str:
        """Digest of the options that its container is run with."""
        about = repr((self.volumes, self.command)).encode()
        return sha256(about).hexdigest()[:12]

    def answers(self) -> bool:
        try:
            socket.create_connection((self.address, self.port), timeout=1).close()
        except OSError:
            return False
        return True


def lab_servers(paths: LabPaths) -> tuple[LabServer, ...]:
    """Return the servers of the lab."""
    serve_images = ("/programs/usr/bin/docker-registry", "serve", "/data/registry.yml")
    serve_files = (
        f"/programs/{paths.system.busybox}",
        "httpd",
        "-f",
        "-h",
        "/files",
        "-p",
    )
    return (
        LabServer(
            *("registry", REGISTRY, REGISTRY_PORT),
            *((f"{paths.registry_store}:/images:rw",), serve_images),
        ),
        LabServer(
            *("artifacts", ARTIFACTS, ARTIFACTS_PORT),
            (f"{paths.archives}:/files:ro", f"{paths.packages}:/files/apt:ro"),
            (*serve_files, str(ARTIFACTS_PORT)),
        ),
    )


def ensure_networks(engine: Engine, paths: LabPaths) -> None:
    """Create the networks of the lab that are missing."""
    first = (f"--subnet={SUBNET}", f"--gateway={GATEWAY}")
    _ensure_network(engine, paths, NAME, BRIDGE, first)
    if paths.networks > 1:
        second = ("--ipv6", *(f"--subnet={subnet}" for subnet in SECOND_SUBNETS))
        _ensure_network(engine, paths, SECOND, SECOND_BRIDGE, second)


def remove_unused_network(engine: Engine, paths: LabPaths) -> None:
    """Remove the second network, which no host is in, if the lab is to have one."""
    if paths.networks == 1 and engine.succeeds("network", "inspect", SECOND):
        engine.docker("network", "rm", SECOND)


def _ensure_network(
    engine: Engine, paths: LabPaths, name: str, bridge: str, options: Sequence[str]
) -> None:
    if engine.succeeds("network", "inspect", name):
        return
    engine.docker(
        *("network", "create", *options, f"--label={LABEL}={paths.root}"),
        f"--opt=com.docker.network.bridge.name={bridge}",
        name,
    )


def ensure_servers(engine: Engine, paths: LabPaths, image: str) -> None:
    """Start the registry and the artifact server if they are not running."""
    if not (paths.packages / "Release").exists():
        write_index(paths.packages)
    stopped = [one for one in lab_servers(paths) if not _is_current(engine, one)]
    if stopped:
        for package in ("docker-registry", "busybox-static"):
            unpack(paths.packages, package, paths.server_programs)
        paths.registry_store.mkdir(parents=True, exist_ok=True)
    for server in stopped:
        _start(engine, paths, image, server)


def _is_current(engine: Engine, server: LabServer) -> bool:
    """Return True if *server* answers and runs with the current options."""
    label = f'{{{{index .Config.Labels "{MADE_FROM}"}}}}'
    inspect = ("container", "inspect", f"--format={label}", server.container)
    return (
        server.answers()
        and engine.succeeds(*inspect)
        and engine.docker(*inspect) == server.made_from
    )


def _start(engine: Engine, paths: LabPaths, image: str, server: LabServer) -> None:
    if engine.succeeds("container", "inspect", server.container):
        engine.docker("rm", "--force", server.container)
    engine.docker(
        *("run", "--detach", f"--name={server.container}"),
        *(f"--label={LABEL}={paths.root}", f"--label={MADE_FROM}={server.made_from}"),
        *(f"--network={NAME}", f"--ip={server.address}", "--restart=unless-stopped"),
        *(f"--volume={volume}" for volume in server.volumes),
        f"--volume={paths.server_programs}:/programs:ro",
        f"--volume={DATA}:/data:ro",
        *(image, *server.command),
    )
    deadline = time.monotonic() + START_S
    while not server.answers():
        if time.monotonic() > deadline:
            log = engine.docker("logs", "--tail=5", server.container)
            raise LabError(f"the lab's {server.name} server did not start: {log}")
        time.sleep(0.1)
