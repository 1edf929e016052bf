"""The needs of a deploy on one host, read from the steps that it would do there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from provision.config.inventory import Host
from provision.config.playbook import Bound
from provision.model.step import Step
from provision.ray.head import HEAD
from provision.ray.steps.node.base import container_name
from provision.ray.steps.node.ports import Ports
from provision.ray.steps.node.start.ray_start import RayStart
from provision.steps.docker.engine.engine import DockerEngine
from provision.steps.docker.image import DockerImage
from provision.steps.files.archive import Archive
from provision.steps.system.reachable import Reachable

DOCKER_HUB = "registry-1.docker.io"
DOCKER_ROOT = "/var/lib/docker"
"""The folder in which an engine that is yet to come keeps its images."""
PROGRAMS = "/opt/provision"
PORT_OF = {"http": 80, "https": 443}
NAMES = {
    "head": "Ray's tables (GCS)",
    "dashboard": "Ray's dashboard",
    "client": "clients of Ray",
}
"""Names of ports for people, where Ray's own word says too little."""


@dataclass(frozen=True, slots=True)
class Source:
    """Something that a deploy brings to a host from elsewhere.

    Attributes:
        what: a name for people.
        places: `host:port` of each address that it can come from; one is enough.
        needed_by: the kinds of steps that need it; none of them differs: it is there.
    """

    what: str
    places: tuple[str, ...]
    needed_by: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """The needs of a deploy on one host.

    Attributes:
        host: the host.
        head: whether it is the cluster's head.
        ports: what listens at each port that the deploy uses there.
        node_ports: those of Ray that other nodes connect to.
        sources: what it must be able to fetch.
        image_mb: room that the images need; 0 = none comes.
        data_dir: the folder of Ray's files; "" = it runs no Ray.
        container: the name of the cluster's container of Ray.
        docker: whether the deploy uses Docker.
        programs_dir: the folder of other programs.
    """

    host: Host
    head: bool
    ports: dict[int, str]
    node_ports: tuple[int, ...]
    sources: tuple[Source, ...]
    image_mb: int
    data_dir: str
    container: str
    docker: bool
    programs_dir: str = PROGRAMS

    @property
    def targets(self) -> tuple[str, ...]:
        """Each `host:port` that it is to connect to, once."""
        places = (place for source in self.sources for place in source.places)
        return tuple(dict.fromkeys(places))

    @property
    def paths(self) -> tuple[str, ...]:
        """The directories whose file systems matter."""
        docker = (DOCKER_ROOT,) if self.docker else ()
        data = (self.data_dir,) if self.data_dir else ()
        return (*data, *docker, self.programs_dir, "/tmp", "/usr")  # noqa: S108


def wanted(bound: Bound, host: Host, cluster: str) -> Wanted:
    """Return what the steps of *host* in *bound* need."""
    steps = [
        item.step for play in bound.plays for item in play.steps.get(host.name, ())
    ]
    head = HEAD in host.groups
    nodes = [step for step in steps if isinstance(step, RayStart)]
    ports = next((step.ports for step in nodes), None)
    archives = [step.folder for step in steps if isinstance(step, Archive)]
    return Wanted(
        host=host,
        head=head,
        ports=dict(_ports(steps, ports, host, head=head)),
        node_ports=_node_ports(ports, head=head),
        sources=tuple(_sources(steps)),
        image_mb=sum(step.room_mb for step in steps if isinstance(step, DockerImage)),
        data_dir=next((step.data_dir for step in nodes), ""),
        container=container_name(cluster),
        docker=any(isinstance(step, DockerEngine) for step in steps),
        programs_dir=str(PurePosixPath(archives[0]).parent) if archives else PROGRAMS,
    )


def _ports(
    steps: Sequence[Step], ports: Ports | None, host: Host, *, head: bool
) -> Iterator[tuple[int, str]]:
    if ports:
        mine = ports.of_head() if head else ports.of_worker()
        for name, port in ports.model_dump().items():
            if port in mine:
                yield port, NAMES.get(name, f"Ray's {name.replace('_', ' ')}")
    for step in steps:
        if isinstance(step, Reachable) and step.host == host.address:
            yield step.port, f"{step.title}, of the metrics"


def _node_ports(ports: Ports | None, *, head: bool) -> tuple[int, ...]:
    """The ports to try between nodes: Ray's own, and the last of the workers' range.

    Without those that Ray opens on the head for people, and for its own metrics.
    """
    if ports is None:
        return ()
    own = (*ports.of_worker(), ports.workers_max)
    return (ports.head, *own) if head else own


def _sources(steps: Sequence[Step]) -> Iterator[Source]:
    mirrors: list[str] = []
    for step in steps:
        if isinstance(step, DockerEngine):
            mirrors = [
                place_of(url) for url in step.daemon.get("registry-mirrors") or ()
            ]
        elif isinstance(step, DockerImage):
            registry = registry_of(step.name)
            # A mirror is asked for images of Docker Hub alone.
            first = mirrors if registry == f"{DOCKER_HUB}:443" else []
            yield Source(f"image {step.name}", (*first, registry), step.kind)
        elif isinstance(step, Archive):
            yield Source(f"archive {step.url}", (place_of(step.url),), step.kind)


def registry_of(image: str) -> str:
    """Return `host:port` of the registry that has *image*."""
    first, slash, _ = image.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        return f"{DOCKER_HUB}:443"
    if first == "docker.io":
        return f"{DOCKER_HUB}:443"
    return first if ":" in first else f"{first}:443"


def place_of(url: str) -> str:
    """Return `host:port` of *url*; "" if it has no host."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORT_OF.get(parts.scheme, 443)
    except ValueError:
        return ""
    host = parts.hostname or ""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}" if host else ""
