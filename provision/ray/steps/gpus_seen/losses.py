"""Places where GPUs get lost on their way from the PCI bus to Ray."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from provision.model.change import Change
from provision.steps.gpu.grant import Grant
from provision.steps.gpu.host_gpus import AMD, NVIDIA, Gpu, HostGpus, listed_uuids

UNKNOWN = "unknown"
BUS, DRIVER = "GPUs on the PCI bus", "GPUs of the driver"
CONTAINER, RAY = "GPUs in the container", "GPUs in Ray"
RENDER = "render "
"""Beginning of the lines about nodes in /dev/dri of the container."""


@dataclass(frozen=True, slots=True)
class Way:
    """All that is known of the GPUs of one host, from the bus to Ray.

    Attributes:
        found: what the host has.
        given: what the container was to get.
        inside: lines that the container printed.
        ray: how many Ray says its node has; None = unknown.
        counted: how many Ray was told to have; None = as many as the container has.
        silent: why the container could not be asked; "" = it was.
    """

    found: HostGpus
    given: Grant
    inside: Sequence[str] = ()
    ray: float | None = None
    counted: int | None = None
    silent: str = ""

    @property
    def uuids(self) -> list[str]:
        """The UUIDs that the container sees."""
        return listed_uuids(list(self.inside))


def loss(way: Way) -> Change | None:
    """Return the first place where GPUs are missing, with what is there and should be."""
    return next(_losses(way), None)


def _losses(way: Way) -> Iterator[Change]:
    if not way.given.gives:
        if not way.ray or way.counted is not None:
            return
        if way.found.driver:
            yield from _driver_losses(way)
        else:
            why = way.given.warnings[0] if way.given.warnings else "0"
            yield Change(DRIVER, why, f"{way.ray:g}, as Ray has")
        return
    if way.found.gpus or way.found.driver:
        yield from _driver_losses(way)
        yield from _toolkit_losses(way)
        yield from _silence(way)
        yield from _nvidia_container_losses(way)
    else:
        yield from _silence(way)
        yield from _amd_container_losses(way)
    yield from _ray_losses(way)


def _silence(way: Way) -> Iterator[Change]:
    if way.silent:
        wanted = way.given.number
        number = "a number" if wanted is None else str(wanted)
        yield Change(CONTAINER, f"{UNKNOWN}: {way.silent}", number)


def _driver_losses(way: Way) -> Iterator[Change]:
    found = way.found
    bound = [card for card in found.of(NVIDIA) if card.has_driver]
    if found.gpus and len(found.gpus) < len(bound):
        names = ", ".join(map(str, found.unlisted))
        said = f"; {found.error}" if found.error else ""
        yield Change(
            DRIVER,
            f"{len(found.gpus)}, without {names}{said}",
            f"{len(bound)}, as on the bus",
        )
    elif found.error or not found.gpus:
        why = found.error or "nvidia-smi lists none"
        yield Change(DRIVER, f"{UNKNOWN}: {why}", str(len(bound) or "a number"))


def _toolkit_losses(way: Way) -> Iterator[Change]:
    """Those that the CDI file does not describe, though it was made to describe all."""
    file = next((f for f in way.found.cdi if f.path == way.given.cdi_file), None)
    numbered = [name for name in file.names if name.isdigit()] if file else []
    if file and 0 < len(numbered) < len(way.found.gpus):
        yield Change(
            f"GPUs in {file.path}",
            f"{len(numbered)}: {', '.join(numbered)}",
            f"{len(way.found.gpus)}, as the driver has",
        )


def _nvidia_container_losses(way: Way) -> Iterator[Change]:
    there, wanted = way.uuids, way.given.uuids
    if missing := [uuid for uuid in wanted if uuid not in there]:
        said = f"; {way.inside[-1]}" if way.inside and not there else ""
        without = ", ".join(missing)
        yield Change(
            CONTAINER, f"{len(there)}, without {without}{said}", str(len(wanted))
        )
    elif more := set(there) - {*wanted} - {gpu.uuid for gpu in way.found.gpus}:
        yield Change(
            BUS, f"{len(wanted)}, without {', '.join(sorted(more))}", "the same"
        )


def _amd_container_losses(way: Way) -> Iterator[Change]:
    nodes = [line for line in way.inside if line.startswith(RENDER)]
    if way.given.number and len(nodes) < way.given.number:
        yield Change(CONTAINER, str(len(nodes)), str(way.given.number))


def expected(way: Way) -> int | None:
    """Return how many GPUs Ray should have; None = unknown."""
    return way.given.number if way.counted is None else way.counted


def _ray_losses(way: Way) -> Iterator[Change]:
    wanted = expected(way)
    if way.ray is None:
        yield Change(RAY, UNKNOWN, str(wanted if wanted is not None else "a number"))
    elif wanted is not None and way.ray != wanted:
        yield Change(RAY, f"{way.ray:g}", str(wanted))


def in_words(found: HostGpus) -> str:
    """Return number and names of the GPUs that the host has; "" = it has none that count."""
    if found.error and not found.gpus:
        return f"{UNKNOWN} (NVIDIA)"
    cards = [*found.of(NVIDIA), *found.of(AMD)]
    named = [name for gpu in found.gpus for name in _names(gpu)]
    names = named or [f"{card.vendor.name} {card.device}" for card in cards]
    kinds = " + ".join(dict.fromkeys(names))
    if not names:
        return ""
    computes = named or found.kfd or found.driver or found.gpus
    without = "" if computes else ", no driver"
    return f"{len(names)} x {kinds}{without}"


def _names(gpu: Gpu) -> list[str]:
    """The name of a GPU, or that of each of its MIG devices."""
    return [gpu.name] if gpu.mig is None else [f"{gpu.name} MIG"] * len(gpu.mig)
