"""GPUs that get lost between the bus and Ray, and the place that is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provision.model.shell import Reply
from provision.ray.steps.gpus_seen import GpusSeen
from provision.ray.steps.gpus_seen.gpus_seen import gpu_cell
from provision.ray.steps.gpus_seen.losses import Way, in_words, loss
from provision.steps.gpu.grant import grant
from provision.steps.gpu.host_gpus import AMD, NVIDIA, Card, CdiFile, Gpu, HostGpus

CARDS = tuple(Card(f"0000:0{n}:00.0", NVIDIA, "10de:2330", "nvidia") for n in (1, 2))
GPUS = tuple(
    Gpu(str(n), f"GPU-{n}", "NVIDIA H100", f"00000000:0{n + 1}:00.0") for n in (0, 1)
)
FOUND = HostGpus(
    cards=CARDS,
    gpus=GPUS,
    driver="580.159.04",
    smi="/usr/bin/nvidia-smi",
    cdi=(CdiFile("/etc/cdi/nvidia.yaml", "580.159.04", ("0", "1", "all")),),
)
INSIDE = tuple(f"GPU {n}: NVIDIA H100 (UUID: GPU-{n})" for n in (0, 1))
ALL = Way(FOUND, grant(FOUND, "auto"), INSIDE, 2.0)
APU = Card("0000:0c:00.0", AMD, "1002:164e", "amdgpu", "renderD128")
ROCM = HostGpus(cards=(APU,), kfd=True)


def named(way: Way) -> str:
    """Return the difference that is found, as text; "" = none."""
    return str(loss(way) or "")


def of_host(found: HostGpus, inside: tuple[str, ...], ray: float) -> Way:
    return Way(found, grant(found, "auto"), inside, ray)


def test_nothing_is_lost_where_all_agree() -> None:
    assert named(ALL) == ""
    assert named(of_host(HostGpus(), (), 0)) == ""


def test_the_driver_lost_one_that_is_on_the_bus() -> None:
    found = replace(FOUND, gpus=GPUS[:1])
    change = named(of_host(found, INSIDE[:1], 1))
    assert change == (
        "GPUs of the driver: 1, without NVIDIA 10de:2330 at 0000:02:00.0 -> 2, as on the bus"
    )


def test_a_driver_that_does_not_answer_is_unknown() -> None:
    found = replace(FOUND, gpus=(), error="Unable to determine the device handle")
    assert named(of_host(found, INSIDE, 2)).startswith(
        "GPUs of the driver: unknown: Unable to determine"
    )


def test_a_driver_that_is_gone_while_ray_counts_on_it() -> None:
    found = HostGpus(cards=tuple(replace(card, driver="") for card in CARDS))
    change = named(of_host(found, (), 2))
    assert "driver is not loaded" in change and change.endswith("2, as Ray has")
    assert named(of_host(found, (), 0)) == ""


def test_the_cdi_file_does_not_describe_all() -> None:
    file = replace(FOUND.cdi[0], names=("0", "all"))
    change = named(of_host(replace(FOUND, cdi=(file,)), INSIDE[:1], 1))
    assert change == "GPUs in /etc/cdi/nvidia.yaml: 1: 0 -> 2, as the driver has"


def test_the_container_lost_one() -> None:
    change = named(replace(ALL, inside=INSIDE[:1], ray=1))
    assert change == "GPUs in the container: 1, without GPU-1 -> 2"


def test_the_bus_lost_one_that_the_container_still_has() -> None:
    found = replace(FOUND, cards=CARDS[:1], gpus=GPUS[:1])
    change = named(of_host(found, INSIDE, 2))
    assert change == "GPUs on the PCI bus: 1, without GPU-1 -> the same"


def test_ray_lost_them() -> None:
    assert named(replace(ALL, ray=0)) == "GPUs in Ray: 0 -> 2"
    assert named(replace(ALL, ray=None)) == "GPUs in Ray: unknown -> 2"


def test_a_number_that_ray_was_told_is_what_it_should_have() -> None:
    assert named(replace(ALL, ray=4, counted=4)) == ""
    assert named(replace(ALL, ray=2, counted=4)) == "GPUs in Ray: 2 -> 4"


def test_mig_devices_count_instead_of_their_gpu() -> None:
    cut = replace(GPUS[0], mig=("MIG-1", "MIG-2"))
    found = replace(FOUND, cards=CARDS[:1], gpus=(cut,), cdi=FOUND.cdi)
    inside = (
        INSIDE[0],
        "  MIG 3g.40gb     Device  0: (UUID: MIG-1)",
        "  MIG 3g.40gb     Device  1: (UUID: MIG-2)",
    )
    assert named(of_host(found, inside, 2)) == ""
    assert named(of_host(found, inside, 1)) == "GPUs in Ray: 1 -> 2"
    assert in_words(found) == "2 x NVIDIA H100 MIG"


def test_amd_counts_its_nodes() -> None:
    assert named(of_host(ROCM, ("render renderD128",), 1)) == ""
    assert named(of_host(ROCM, ("nothing",), 1)) == "GPUs in the container: 0 -> 1"


def seen(**more: object) -> GpusSeen:
    about = {"cluster": "lab", "address": "10.0.0.2", "data_dir": "/data"}
    return GpusSeen.model_validate({**about, "dashboard_host": "10.0.0.1", **more})


AMD_LINES = (
    "gpu.card.0000:0c:00.0=0x1002 0x038000 0x164e amdgpu renderD128\ngpu.kfd=true\n"
    "gpu.groups=109\nin.0=render renderD128\n"
)


def test_an_image_without_rocm_is_told_and_no_difference_unless_asked_for() -> None:
    reply = Reply(AMD_LINES + "raylet=CPU,2\n")
    step = seen()
    assert step.plan(step.observe(reply)) == []
    [remark] = step.remarks(step.observe(reply))
    assert "no ROCm" in remark
    asked = seen(gpus=True)
    assert [str(c) for c in asked.plan(asked.observe(reply))] == ["GPUs in Ray: 0 -> 1"]
    assert list(asked.remarks(asked.observe(reply))) == []


def test_the_users_own_variable_is_what_ray_counts() -> None:
    step = seen()
    lines = "".join(f"gpu.row.{n}={n}, GPU-{n}, 1, Disabled, x, H\n" for n in (0, 1))
    inside = "".join(f"in.{n}={line}\n" for n, line in enumerate(INSIDE))
    cdi = "gpu.cdi./etc/cdi/x=- all\ngpu.driver=580.1\n"
    reply = Reply(f"{lines}{cdi}{inside}visible=0\nraylet=GPU,1\n")
    assert step.plan(step.observe(reply)) == []


ROWS = "gpu.row.0=0, GPU-0, 1, Disabled, x, NVIDIA H100\ngpu.driver=580.1\n"


@pytest.mark.parametrize(
    ("lines", "cell"),
    [
        ("", "-"),
        ("gpu.card.0000:00:02.0=0x8086 0x030000 0x4680 i915 renderD128\n", "-"),
        (
            "gpu.card.0000:00:06.0=0x10de 0x030200 0x2330  \n",
            "1 x NVIDIA 10de:2330, no driver, not given",
        ),
        (ROWS, "1 x NVIDIA H100, not given"),
        (f"{ROWS}gpu.toolkit=/ctk\nin.0=x\nraylet=GPU,1\n", "1 x NVIDIA H100"),
        (f"{ROWS}gpu.toolkit=/ctk\nin.0=x\nraylet=CPU,1\n", "0 in Ray of 1 x NVIDIA H100"),
        (f"{ROWS}gpu.toolkit=/ctk\nsilent=x\n", "1 x NVIDIA H100, unknown in Ray"),
        ("gpu.driver=580.1\ngpu.error=no device\nsilent=x\n", "unknown (NVIDIA)"),
    ],
)  # fmt: skip
def test_a_host_in_a_few_words(lines: str, cell: str) -> None:
    step = seen()
    assert gpu_cell(step.observe(Reply(lines))).startswith(cell)
