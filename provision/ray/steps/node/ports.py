"""The ports of a Ray node, set in one place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Self

from pydantic import model_validator

from provision.errors import RefusedError
from provision.model.change import State
from provision.model.fields import Parameters, Port

TAKEN = "taken."
"""Prefix of the fields that name the process which has a port of the node."""
PROCESS = re.compile(r'\("([^"]*)",pid=(\d+)')
RAY_PROGRAMS = ("gcs_server", "raylet", "ray")
"""Beginnings of the names of Ray's own processes, as the kernel has them."""


class Ports(Parameters):
    """All ports of a Ray node, none of them chosen at random.

    They are below the workers' range, so that no worker process takes one of them,
    and below 32768, where Linux picks the local ports of outgoing connections.
    """

    head: Port = 6379
    node_manager: Port = 6380
    object_manager: Port = 6381
    runtime_env_agent: Port = 6382
    agent_grpc: Port = 6383
    agent: Port = 6384
    metrics: Port = 6385
    autoscaler_metrics: Port = 6386
    dashboard_metrics: Port = 6387
    dashboard: Port = 8265
    client: Port = 10001
    workers_min: Port = 10002
    workers_max: Port = 19999

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        fixed = self.of_head()
        if len(set(fixed)) < len(fixed):
            raise ValueError("two of the ports are the same")
        if self.workers_min >= self.workers_max:
            raise ValueError("workers_min must be below workers_max")
        for port in fixed:
            if self.workers_min <= port <= self.workers_max:
                raise ValueError(f"port {port} is in the range of the workers")
        return self

    def of_worker(self) -> tuple[int, ...]:
        """Return the ports that every node listens on."""
        own = (self.node_manager, self.object_manager, self.runtime_env_agent)
        return (*own, self.agent_grpc, self.agent, self.metrics)

    def of_head(self) -> tuple[int, ...]:
        """Return the ports that the head listens on."""
        own = (self.head, self.autoscaler_metrics, self.dashboard_metrics)
        return (*own, self.dashboard, self.client, *self.of_worker())

    def check_others(self, others: Mapping[str, int]) -> None:
        """Check that programs beside Ray have ports of their own.

        Args:
            others: ports by the variable that sets them.

        Raises:
            ValueError: two have the same.
        """
        owners = {getattr(self, name): f"ray_ports.{name}" for name in FIXED}
        for name, port in others.items():
            if self.workers_min <= port <= self.workers_max:
                raise ValueError(
                    f"{name} {port} is in the range of Ray's workers, {self.workers_min} to "
                    f"{self.workers_max}: set it to a port outside"
                )
            if port in owners:
                raise ValueError(
                    f"{owners[port]} and {name} are both {port}: set one of them to another "
                    "port"
                )
            owners[port] = name

    def open_to_nodes(self, *, head: bool) -> list[str]:
        """Return the ports that other nodes connect to, as iptables writes ranges.

        Args:
            head: of the head, not of a worker.
        """
        fixed = self.of_head() if head else self.of_worker()
        return [*ranges(set(fixed)), f"{self.workers_min}:{self.workers_max}"]

    def flags(self) -> Iterator[str]:
        """Yield the flags of `ray start` that every node takes."""
        yield f"--node-manager-port={self.node_manager}"
        yield f"--object-manager-port={self.object_manager}"
        yield f"--runtime-env-agent-port={self.runtime_env_agent}"
        yield f"--dashboard-agent-grpc-port={self.agent_grpc}"
        yield f"--dashboard-agent-listen-port={self.agent}"
        yield f"--metrics-export-port={self.metrics}"
        yield f"--min-worker-port={self.workers_min}"
        yield f"--max-worker-port={self.workers_max}"


FIXED = [name for name in Ports.model_fields if not name.startswith("workers_")]


def ranges(ports: set[int]) -> Iterator[str]:
    """Yield *ports* as iptables writes them, consecutive ones as a range."""
    first = last = min(ports)
    for port in [*sorted(ports)[1:], 0]:
        if port == last + 1:
            last = port
            continue
        yield str(first) if first == last else f"{first}:{last}"
        first = last = port


def refuse_taken_ports(observed: State) -> None:
    """Refuse a port of the node that another process has, in *observed*.

    Raises:
        RefusedError: one has.
    """
    for field, process in observed.items():
        if field.startswith(TAKEN):
            raise _port_taken_error(field.removeprefix(TAKEN), process)


def _port_taken_error(port: str, process: str) -> RefusedError:
    """Return the refusal to use *port*, which *process* has, as ss(8) names it.

    Args:
        port: its number.
        process: also with ` of USER` at its end, where that is known.
    """
    holder, user = PROCESS.search(process), process.partition(" of ")[2]
    name = f"{holder[1]} (process {holder[2]})" if holder else "another process"
    owner = f" of the user {user}" if user else ""
    if holder and holder[1].startswith(RAY_PROGRAMS):
        return RefusedError(
            f"port {port} is taken by another Ray{owner}: {name}",
            hint=f"if nobody needs it, `ray stop` as {user or 'its user'} ends it, with all "
            "other Ray of that user; else give this one other ports with ray_ports",
        )
    return RefusedError(
        f"port {port} is taken by {name}{owner}",
        hint="stop it, or give Ray other ports with the variable ray_ports",
    )
