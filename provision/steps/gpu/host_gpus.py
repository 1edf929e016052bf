"""GPUs that a host has, read from what `find_gpus.sh` prints."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from provision.model.change import State
from provision.model.step import Thing

GPU_FIELDS = "gpu."
"""Prefix of the fields that `find_gpus.sh` prints."""
GPU_ACCESS: Thing = "access of containers to GPUs"
"""The toolkit and the CDI files of a host, as a thing that steps write and read."""
MIG_LINE = re.compile(r"MIG (?P<profile>\S+) .*\(UUID: (?P<uuid>MIG-[^)]+)\)")
GPU_LINE = re.compile(r"GPU (?P<index>\d+): (?P<name>.*) \(UUID: (?P<uuid>GPU-[^)]+)\)")


@dataclass(frozen=True, slots=True)
class Vendor:
    """A maker of GPUs.

    Attributes:
        name: for people.
        drivers: the kernel modules with which its GPUs compute; none = any.
        package: what to install where the driver is missing.
    """

    name: str
    drivers: tuple[str, ...] = ()
    package: str = ""


NVIDIA = Vendor(
    "NVIDIA",
    ("nvidia",),
    "NVIDIA's driver (nvidia-driver on Debian, nvidia-driver-580-server or newer on "
    "Ubuntu, nvidia-open from NVIDIA's repository on RHEL), then reboot",
)
AMD = Vendor("AMD", ("amdgpu",), "AMD's driver (amdgpu-dkms), then reboot")
VENDORS: Mapping[str, Vendor] = {
    "0x10de": NVIDIA,
    "0x1002": AMD,
    "0x8086": Vendor("Intel", ("i915", "xe")),
    "0x19e5": Vendor("Huawei Ascend"),
}
"""The makers that are known, by the PCI id of the vendor."""
PASSED_ON = frozenset(("vfio-pci", "pci-stub", "xen-pciback"))
"""Kernel modules that keep a card for a virtual machine: it is not the host's."""


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU on the PCI bus.

    Attributes:
        slot: its place, such as 0000:00:06.0.
        vendor: who made it.
        device: its PCI id, such as 10de:2335.
        driver: the kernel module that has it; "" = none.
        node: its node in /dev/dri, such as renderD128; "" = none.
    """

    slot: str
    vendor: Vendor
    device: str
    driver: str = ""
    node: str = ""

    def __str__(self) -> str:
        return f"{self.vendor.name} {self.device} at {self.slot}"

    def is_at(self, bus: str) -> bool:
        """Return True if *bus* is its place, as nvidia-smi writes it, with a longer domain."""
        return bus.lower().endswith(self.slot.lower())

    @property
    def has_driver(self) -> bool:
        """True if a module has it with which it computes."""
        known = self.vendor.drivers
        return bool(self.driver) and (not known or self.driver in known)


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU as nvidia-smi lists it.

    Attributes:
        bus: its place on the PCI bus, such as 00000000:00:06.0.
        memory_mb: in MiB; None = it does not tell, as with memory that is shared.
        mig: the UUIDs of its MIG devices; None = MIG is off.
    """

    index: str
    uuid: str
    name: str
    bus: str = ""
    memory_mb: int | None = None
    mig: tuple[str, ...] | None = None

    @property
    def cdi_names(self) -> tuple[str, ...]:
        """The numbers by which `nvidia-ctk` calls it, or its MIG devices."""
        if self.mig is None:
            return (self.index,)
        return tuple(f"{self.index}:{number}" for number in range(len(self.mig)))


@dataclass(frozen=True, slots=True)
class CdiFile:
    """A file that tells how containers get NVIDIA's GPUs (Container Device Interface).

    Attributes:
        driver: the version of the driver that it was made for; "" = it does not tell.
        names: the devices that it describes, such as `0` and `all`.
    """

    path: str
    driver: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DockerSide:
    """The part of Docker's own account that is about GPUs.

    Attributes:
        version: of the engine.
        cdi_dirs: folders where it reads CDI files; none = it takes no CDI names.
        runtimes: the runtimes that it knows.
    """

    version: str
    cdi_dirs: tuple[str, ...] = ()
    runtimes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HostGpus:
    """All that a host says of its GPUs.

    Attributes:
        cards: those on the PCI bus; none is seen in some containers and in WSL.
        gpus: those that NVIDIA's driver has.
        driver: the version of NVIDIA's driver; "" = it is not loaded.
        smi: the path of nvidia-smi; "" = it was not found.
        error: what nvidia-smi said instead of a list, or beside one that lacks something.
        note: what it said beside a whole list.
        toolkit: the path of NVIDIA's container toolkit; "" = it was not found.
        cdi: the CDI files for NVIDIA's GPUs.
        docker: None = there is none, or it does not answer.
        kfd: whether AMD's driver has its device /dev/kfd.
        groups: the numbers of the groups that AMD's devices belong to.
    """

    cards: tuple[Card, ...] = ()
    gpus: tuple[Gpu, ...] = ()
    driver: str = ""
    smi: str = ""
    error: str = ""
    note: str = ""
    toolkit: str = ""
    cdi: tuple[CdiFile, ...] = ()
    docker: DockerSide | None = None
    kfd: bool = False
    groups: tuple[str, ...] = ()

    def of(self, vendor: Vendor) -> tuple[Card, ...]:
        """Return the cards of *vendor* that are the host's own."""
        mine = (card for card in self.cards if card.vendor is vendor)
        return tuple(card for card in mine if card.driver not in PASSED_ON)

    @property
    def unlisted(self) -> tuple[Card, ...]:
        """The cards with NVIDIA's driver that nvidia-smi does not list."""
        bound = (card for card in self.of(NVIDIA) if card.has_driver)
        return tuple(
            card for card in bound if not any(card.is_at(gpu.bus) for gpu in self.gpus)
        )

    @property
    def has_all_of_bus(self) -> bool:
        """True if the bus shows cards of NVIDIA, and nvidia-smi lists all of them."""
        return bool(self.of(NVIDIA)) and not self.unlisted


def vendor_ids() -> str:
    """Return what `find_gpus.sh` needs as `gpu_vendors`."""
    return " ".join(VENDORS)


def without_gpus(state: State) -> dict[str, str]:
    """Return the other fields of *state*."""
    return {
        key: value for key, value in state.items() if not key.startswith(GPU_FIELDS)
    }


def read_gpus(state: State) -> HostGpus:
    """Return what the fields of *state* say of GPUs."""
    get = state.get
    return HostGpus(
        cards=tuple(_card(slot, words) for slot, words in _below(state, "card.")),
        gpus=tuple(_gpus(state)),
        driver=get("gpu.driver", ""),
        smi=get("gpu.smi", ""),
        error=get("gpu.error", ""),
        note=get("gpu.note", ""),
        toolkit=get("gpu.toolkit", ""),
        cdi=tuple(_cdi(path, words) for path, words in _below(state, "cdi.")),
        docker=_docker(get("gpu.docker", "")),
        kfd=get("gpu.kfd") == "true",
        groups=tuple(get("gpu.groups", "").split()),
    )


def listed_uuids(lines: list[str]) -> list[str]:
    """Return the UUIDs in the output of `nvidia-smi -L`, of MIG devices instead of their GPU."""
    found: list[list[str]] = []
    for line in map(str.strip, lines):
        if match := GPU_LINE.match(line):
            found.append([match["uuid"]])
        elif found and (match := MIG_LINE.match(line)):
            found[-1].append(match["uuid"])
    return [uuid for uuids in found for uuid in uuids[1:] or uuids]


def _below(state: State, what: str) -> Iterator[tuple[str, str]]:
    start = GPU_FIELDS + what
    for key, value in state.items():
        if key.startswith(start):
            yield key.removeprefix(start), value


def _card(slot: str, words: str) -> Card:
    vendor, _class, device, driver, node = [*words.split(" "), "", ""][:5]
    ids = f"{vendor.removeprefix('0x')}:{device.removeprefix('0x')}"
    return Card(slot, VENDORS[vendor], ids, driver, node)


def _gpus(state: State) -> Iterator[Gpu]:
    mig = _mig_devices(state)
    for _, row in _below(state, "row."):
        index, uuid, memory, mode, bus, name = row.split(", ", 5)
        devices = mig.get(uuid, ()) if mode == "Enabled" else None
        size = int(memory) if memory.isdigit() else None
        yield Gpu(index, uuid, name, bus, size, devices)


def _mig_devices(state: State) -> dict[str, tuple[str, ...]]:
    """The UUIDs of MIG devices, by that of their GPU."""
    found: dict[str, tuple[str, ...]] = {}
    gpu = ""
    for _, line in _below(state, "mig."):
        if match := GPU_LINE.match(line):
            gpu = match["uuid"]
        elif match := MIG_LINE.match(line):
            found[gpu] = (*found.get(gpu, ()), match["uuid"])
    return found


def _cdi(path: str, words: str) -> CdiFile:
    driver, *names = words.split()
    return CdiFile(path, driver.removeprefix("-"), tuple(names))


def _docker(words: str) -> DockerSide | None:
    if not words:
        return None
    version, dirs, *runtimes = words.split()
    return DockerSide(version, tuple(json.loads(dirs) or ()), tuple(runtimes))
