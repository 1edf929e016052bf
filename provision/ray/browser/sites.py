"""The pages of a cluster: where its head has them, and what each asks of its visitors."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from provision.errors import InventoryError
from provision.model.step import Step
from provision.ray.steps.node.roles import RayHead
from provision.ray.steps.nodes import RayNodes
from provision.ray.steps.prometheus_targets import PrometheusTargets
from provision.steps.files.file import File
from provision.steps.network.address import host_port

RAY, GRAFANA, PROMETHEUS = "Ray", "Grafana", "Prometheus"
PASSWORD_FILE = "/grafana/admin_password"  # noqa: S105 - the end of a path
USER = "admin"
Read = Callable[[str], str]
"""Takes a path on the head; returns its content, "" if there is no such file."""


@dataclass(frozen=True, slots=True)
class Site:
    """A web server of the cluster.

    Attributes:
        name: for people.
        host: where it listens, as the head reaches it.
        port: the same.
        login: headers that let a visitor in.
        public: its address for browsers that reach the head themselves.
    """

    name: str
    host: str
    port: int
    login: Mapping[str, str] = field(default_factory=dict, repr=False)
    public: str = ""

    @property
    def origin(self) -> str:
        """Its own address, as the head reaches it."""
        return f"http://{host_port(self.host, self.port)}"


def sites(steps: Sequence[Step], read: Read) -> list[Site]:
    """Return what the *steps* of the head set up, Ray's dashboard first.

    Raises:
        InventoryError: they set up no Ray.
    """
    ray, metrics = list(_ray(steps, read)), list(_prometheus(steps))
    if not ray:
        raise InventoryError(
            "the playbook sets up no Ray on the head of this inventory"
        )
    # Ray's head knows an address of Grafana without metrics as well.
    return [*ray, *(_grafana(steps, read) if metrics else ()), *metrics]


def _ray(steps: Sequence[Step], read: Read) -> Iterator[Site]:
    for step in steps:
        if isinstance(step, RayNodes):
            token = read(f"{step.data_dir}/auth_token").strip()
            login = {"Authorization": f"Bearer {token}"} if token else {}
            yield Site(RAY, step.dashboard_host, step.dashboard_port, login)
            return


def _grafana(steps: Sequence[Step], read: Read) -> Iterator[Site]:
    urls = [step for step in steps if isinstance(step, RayHead) and step.grafana]
    for step in urls[:1]:
        url = urlsplit(step.grafana)
        login = dict(_basic(password) for password in _passwords(steps, read))
        public = step.grafana_for_browsers.rstrip("/")
        yield Site(GRAFANA, url.hostname or "", url.port or 80, login, public)


def _passwords(steps: Sequence[Step], read: Read) -> Iterator[str]:
    """The password of Grafana's admin, from the file that Grafana reads itself."""
    for step in steps:
        if isinstance(step, File) and step.path.endswith(PASSWORD_FILE):
            if password := read(step.path).rstrip("\n"):
                yield password
            return


def _basic(password: str) -> tuple[str, str]:
    words = base64.b64encode(f"{USER}:{password}".encode()).decode()
    return "Authorization", f"Basic {words}"


def _prometheus(steps: Sequence[Step]) -> Iterator[Site]:
    for step in steps:
        if isinstance(step, PrometheusTargets):
            yield Site(PROMETHEUS, step.host, step.port)
            return
