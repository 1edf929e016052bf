"""The kinds of Ray nodes: head and worker, in a container or as a process of the host."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from provision.model.fields import Line
from provision.ray.steps.node.base import RayNode
from provision.ray.steps.node.compatibility import check_same_ray
from provision.ray.steps.node.process.node import RayProcess
from provision.ray.steps.node.start.roles import HeadRole, WorkerRole


class RayHead(HeadRole, RayNode, kind="ray_head"):
    """The head of a Ray cluster, in a container: its tables, its dashboard, and a node.

    Its tables are on disk, so it can be restarted without losing the workers.

    Raises:
        RefusedError: another process has one of its ports, or another container its
            name.
        VerifyError: it is not healthy in `settle_s` seconds.

    Source: `ray start --help`, Ray 2.60.0.
    """


class RayWorker(WorkerRole, RayNode, kind="ray_worker"):
    """A worker of a Ray cluster, in a container, joined to its head.

    Raises:
        RefusedError: another process has one of its ports, or another container its
            name.
        VerifyError: it has not joined in `settle_s` seconds; the message says
            whether it can reach the head.

    Source: `ray start --help`, Ray 2.60.0.
    """

    head_image: Line = ""
    """The head's image, which must have the same Ray and Python; "" = not looked at."""
    head_ray_version: Line = ""
    """`ray_version` of the head, if it has one."""

    @model_validator(mode="after")
    def _ray_of_the_head(self) -> Self:
        if self.head_image:
            check_same_ray(
                (self.image, self.ray_version), (self.head_image, self.head_ray_version)
            )
        return self


class RayHeadProcess(HeadRole, RayProcess, kind="ray_head_process"):
    """The head of a Ray cluster, as a process of the host; see `ray_worker_process`.

    Raises:
        RefusedError: another process has one of its ports, or it is to start at boot on a
            host without systemd.
        VerifyError: it is not healthy in `settle_s` seconds.

    Source: `ray start --help`, Ray 2.60.0; systemd.service(5), systemd 239.
    """


class RayWorkerProcess(WorkerRole, RayProcess, kind="ray_worker_process"):
    """A worker of a Ray cluster, as a process of the host, from a `python_environment`.

    systemd runs it where there is one: then it starts again after a crash and a reboot.
    Elsewhere it is a detached process, and the plan says so.

    Raises:
        RefusedError: another process has one of its ports, or it is to start at boot on a
            host without systemd.
        VerifyError: it has not joined in `settle_s` seconds; the message says
            whether it can reach the head.

    Source: `ray start --help`, Ray 2.60.0; systemd.service(5), systemd 239.
    """

    head_ray_version: Line = ""
    """The head's Ray, which must be the same; "" = not looked at."""

    @model_validator(mode="after")
    def _same_ray_as_the_head(self) -> Self:
        if self.head_ray_version not in ("", self.ray_version):
            raise ValueError(
                f"this host is to have Ray {self.ray_version}, and the head "
                f"{self.head_ray_version}: all nodes of a cluster have the same"
            )
        return self
