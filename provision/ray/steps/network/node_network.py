"""Variables, devices and limits of a node's container for the network that it uses.

Source: NCCL 2.28, "Environment Variables"; Gloo in PyTorch 2.9; UCX 1.19, `UCX_NET_DEVICES`;
vLLM 0.11, `VLLM_HOST_IP`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.model.fields import Parameters, Word
from provision.ray.steps.network.choice import AUTO, WantedInterface, choose
from provision.steps.gpu.grant import Granted, granted
from provision.steps.network.host_network import HostNetwork, Place, read_network

RDMA_DIR = "/dev/infiniband"
NO_LIMIT = -1
"""Docker's word for no limit."""
VARIABLES = (
    "NCCL_SOCKET_IFNAME",
    "GLOO_SOCKET_IFNAME",
    "UCX_NET_DEVICES",
    "VLLM_HOST_IP",
    "NCCL_IB_HCA",
)


@dataclass(frozen=True, slots=True)
class NodeNetwork:
    """Options of a node's container for the network that it uses.

    Attributes:
        env: variables, which those of the user win over.
        devices: the values of Docker's `--device`.
        limits: the values of Docker's `--ulimit` by name.
    """

    env: Mapping[str, str] = field(default_factory=dict)
    devices: tuple[str, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)

    def on(self, changes: Sequence[Change]) -> list[Change]:
        """Return *changes* of a container that is made with it, and with their GPUs."""
        if self == NO_NETWORK:
            return list(changes)
        gpus = granted(changes)
        return [Placed(c.field, c.before, c.after, gpus, self) for c in changes]


NO_NETWORK = NodeNetwork()


@dataclass(frozen=True, slots=True)
class Placed(Granted):
    """A change of a node's container, with the network that it is to use."""

    network: NodeNetwork = NO_NETWORK


def placed(changes: Sequence[Change]) -> NodeNetwork:
    """Return the network that comes with *changes*."""
    return next((c.network for c in changes if isinstance(c, Placed)), NO_NETWORK)


class NetworkOptions(Parameters):
    """The network of its host that a node uses."""

    interface: WantedInterface = AUTO
    """Its name, or a network such as 10.0.0.0/24; auto = the one with the address."""
    rdma: bool | tuple[Word, ...] = True
    """RDMA devices: true = those that are there, for NCCL to choose from; or their names."""

    def choose(self, found: HostNetwork, address: str) -> Place | None:
        """Return the chosen place of a host with *found* and *address*; None = unknown.

        Raises:
            RefusedError: there is no such interface, address or RDMA device.
        """
        if not isinstance(self.rdma, bool) and not found.unknown:
            self._check_rdma(found)
        return choose(found, self.interface, address)

    def _check_rdma(self, found: HostNetwork) -> None:
        missing = [name for name in self._names if name not in found.rdma]
        if missing:
            there = ", ".join(found.rdma) or "none that programs can open"
            raise RefusedError(
                f"this host has no RDMA device {', '.join(missing)}; it has {there}",
                hint="correct ray_rdma; `ls /sys/class/infiniband /dev/infiniband` on the "
                "host shows what is there",
            )

    @property
    def _names(self) -> tuple[str, ...]:
        return () if isinstance(self.rdma, bool) else self.rdma

    def on_host(self, observed: State, address: str) -> NodeNetwork:
        """Return what the container gets on a host of which *observed* is known.

        Where its network is unknown, a container keeps what it has.

        Raises:
            RefusedError: see `choose`.
        """
        found = read_network(observed)
        place = self.choose(found, address)
        if found.unknown:
            return _kept(observed)
        has_rdma = bool(found.rdma and self.rdma)
        env = dict(_variables(place, found, has_rdma)) if place else {}
        if self._names:
            env["NCCL_IB_HCA"] = "=" + ",".join(self._names)
        return NodeNetwork(
            env,
            (RDMA_DIR,) if has_rdma else (),
            {"memlock": NO_LIMIT} if has_rdma else {},
        )


def _variables(
    place: Place, found: HostNetwork, has_rdma: bool
) -> Iterator[tuple[str, str]]:
    """Yield the variables for *place*: `=` before a name means this one and no longer one.

    UCX calls an interface that does RDMA by the device behind it.
    """
    name, devices = place.interface, found.rdma_of.get(place.interface, ())
    by_rdma = [f"{device}:1" for device in devices if device in found.rdma and has_rdma]
    yield "NCCL_SOCKET_IFNAME", f"={name}"
    yield "GLOO_SOCKET_IFNAME", name
    yield "UCX_NET_DEVICES", ",".join([*by_rdma, name])
    yield "VLLM_HOST_IP", str(place.address)


def _kept(observed: State) -> NodeNetwork:
    """The network that a container with the fields *observed* was made with."""
    env = {n: observed[f"env.{n}"] for n in VARIABLES if f"env.{n}" in observed}
    devices = (RDMA_DIR,) if f"device.{RDMA_DIR}" in observed else ()
    limits = {"memlock": NO_LIMIT} if "limit.memlock" in observed else {}
    return NodeNetwork(env, devices, limits)
