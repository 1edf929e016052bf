"""Rules about the GPUs of one host; what a deploy grants of them its own steps refuse."""

from __future__ import annotations

from collections.abc import Iterator

from provision.ray.doctor.finding import Finding, warning
from provision.ray.doctor.look.facts import Facts
from provision.steps.gpu.host_gpus import NVIDIA


def gpu_findings(facts: Facts) -> Iterator[Finding]:
    """Yield GPUs that Ray would not get."""
    gpus = facts.gpus
    bare = [card for card in gpus.cards if not card.has_driver and card.vendor.drivers]
    for vendor in dict.fromkeys(card.vendor for card in bare):
        cards = [card for card in bare if card in gpus.of(vendor)]
        if cards:
            yield warning(
                "gpu-driver",
                facts.host,
                f"no driver for {', '.join(map(str, cards))}",
                f"{vendor.name}'s driver: without it Ray does not see the GPU",
                f"install {vendor.package}" if vendor.package else "install its driver",
            )
    if gpus.error:
        yield warning(
            "gpu-error",
            facts.host,
            f"nvidia-smi says: {gpus.error}",
            "an answer of the driver",
            "see `dmesg | grep -i -e nvrm -e xid`; often a reboot after an update of the driver",
        )
    elif gpus.gpus and (cards := list(gpus.of(NVIDIA))) and len(cards) > len(gpus.gpus):
        yield warning(
            "gpu-missing",
            facts.host,
            f"{len(cards)} GPUs on the bus, and nvidia-smi lists {len(gpus.gpus)}",
            "each of them",
            "see `dmesg | grep -i xid`; a GPU that has fallen off the bus needs a power cycle",
        )
    if gpus.gpus and not gpus.toolkit and not gpus.cdi:
        yield warning(
            "gpu-toolkit",
            facts.host,
            "neither NVIDIA's container toolkit nor a CDI file is there",
            "one of them: without it Ray's container has no GPU",
            "set nvidia_toolkit: true",
        )
