"""The GPUs that a container gets, of what its host has."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import BaseModel, ValidationError

from provision.errors import RefusedError
from provision.model.change import Change
from provision.steps.gpu.cuda import cuda_of_driver, cuda_of_image, cuda_warning
from provision.steps.gpu.grant import NO_GPUS, grant, granted
from provision.steps.gpu.host_gpus import (
    AMD,
    NVIDIA,
    VENDORS,
    Card,
    CdiFile,
    DockerSide,
    Gpu,
    HostGpus,
)
from provision.steps.gpu.wanted import WantedGpus

MUST: WantedGpus = True
NONE: WantedGpus = False
CARD = Card("0000:00:06.0", NVIDIA, "10de:2330", "nvidia")
A = Gpu("0", "GPU-a", "NVIDIA H100 80GB HBM3")
B = Gpu("1", "GPU-b", "NVIDIA H100 80GB HBM3")
MIG = replace(A, mig=("MIG-1", "MIG-2"))
CDI = CdiFile("/etc/cdi/nvidia.yaml", "580.159.04", ("0", "1", "all"))
BOTH = ("/etc/cdi", "/var/run/cdi")
TWO = HostGpus(
    cards=(CARD, replace(CARD, slot="0000:00:07.0")),
    gpus=(A, B),
    driver="580.159.04",
    smi="/usr/bin/nvidia-smi",
    cdi=(CDI,),
    docker=DockerSide("28.0.1", BOTH),
)
HOOK = replace(TWO, cdi=(), toolkit="/usr/bin/nvidia-ctk")
BARE_DRIVER = replace(TWO, cdi=())
NO_DRIVER = HostGpus(cards=(replace(CARD, driver="nouveau"),))
INTEL = HostGpus(cards=(Card("0000:00:02.0", VENDORS["0x8086"], "8086:4680", "i915"),))
APU = Card("0000:0c:00.0", AMD, "1002:164e", "amdgpu", "renderD128")
ROCM = HostGpus(cards=(APU,), kfd=True, groups=("44", "109"))


def refusal(found: HostGpus, wanted: WantedGpus) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        grant(found, wanted)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("found", [HostGpus(), INTEL])
def test_a_host_with_none_that_counts_gets_none_by_itself(found: HostGpus) -> None:
    assert grant(found, "auto") == NO_GPUS


def test_what_must_be_there_is_refused_where_it_is_not() -> None:
    assert "no GPU of NVIDIA or AMD" in refusal(HostGpus(), MUST).message
    assert "Intel 8086:4680 at 0000:00:02.0" in refusal(INTEL, MUST).message
    assert "no GPU" in refusal(HostGpus(), ("0",)).message


def test_cdi_is_the_way_where_docker_takes_it() -> None:
    given = grant(TWO, "auto")
    assert (given.gpus, given.devices) == ("", ("nvidia.com/gpu=all",))
    assert (given.uuids, given.number, given.warnings) == (("GPU-a", "GPU-b"), 2, ())
    assert given.visible == ()


def test_the_hook_is_the_way_where_there_is_no_cdi() -> None:
    assert grant(HOOK, "auto").gpus == "all"
    old = replace(HOOK, cdi=(CDI,), docker=DockerSide("24.0.9"))
    assert (grant(old, MUST).gpus, grant(old, MUST).devices) == ("all", ())


def test_a_container_made_by_the_hook_is_not_replaced_for_cdi() -> None:
    both = replace(TWO, toolkit="/usr/bin/nvidia-ctk")
    assert grant(both, "auto", {"gpus": "all"}).gpus == "all"
    assert grant(both, "auto", {}).devices == ("nvidia.com/gpu=all",)


def test_before_docker_is_there_its_usual_folders_count() -> None:
    assert grant(replace(TWO, docker=None), "auto").devices == ("nvidia.com/gpu=all",)


def test_chosen_ones_are_given_by_index_whatever_they_are_called_by() -> None:
    for wanted in (("1",), ("GPU-b",)):
        given = grant(TWO, wanted)
        assert given.devices == ("nvidia.com/gpu=1",)
        assert (given.uuids, given.number) == (("GPU-b",), 1)
    assert grant(HOOK, ("1", "0")).gpus == '"device=0,1"'
    assert grant(HOOK, ("GPU-b",)).gpus == '"device=1"'


def test_one_that_is_not_there_is_refused_with_those_that_are() -> None:
    error = refusal(TWO, ("0", "7"))
    assert "no GPU 7 on this host" in error.message
    assert "0 (NVIDIA H100 80GB HBM3, GPU-a), 1 (NVIDIA" in error.message


def test_without_a_driver_the_card_and_the_package_are_named() -> None:
    given = grant(NO_DRIVER, "auto")
    assert not given.gives
    [warning] = given.warnings
    assert "NVIDIA 10de:2330 at 0000:00:06.0" in warning
    assert "nvidia-driver" in warning
    assert "driver is not loaded" in refusal(NO_DRIVER, MUST).message


def test_without_a_toolkit_the_package_is_named() -> None:
    [warning] = grant(BARE_DRIVER, "auto").warnings
    assert "toolkit is missing" in warning and "nvidia-container-toolkit" in warning
    assert "nvidia_toolkit: true" in refusal(BARE_DRIVER, MUST).hint


def test_a_docker_that_takes_no_cdi_names_is_named() -> None:
    found = replace(TWO, docker=DockerSide("26.1.5"))
    error = refusal(found, MUST)
    assert "Docker 26.1.5 takes no CDI names" in error.message
    assert "cdi" in error.hint


def test_a_container_that_has_them_keeps_them_without_the_driver() -> None:
    added = {"device./dev/fuse": "given", "group.27": "added"}  # by its user
    current = {"image": "x", "device.nvidia.com/gpu=all": "given", **added}
    given = grant(NO_DRIVER, "auto", current)
    assert (given.devices, given.groups) == (("nvidia.com/gpu=all",), ())
    assert given.number is None, "unknown, and not none"
    assert given.warnings


def test_a_driver_that_does_not_answer_takes_nothing_away() -> None:
    silent = replace(TWO, gpus=(), error="Unable to determine the device handle")
    given = grant(silent, "auto", {"device.nvidia.com/gpu=all": "given"})
    assert (given.devices, given.number) == (("nvidia.com/gpu=all",), None)
    assert "Unable to determine" in given.warnings[0]
    assert not grant(silent, "auto").gives, "one without GPUs would not start with them"
    assert "nvidia-smi lists no GPU" in refusal(silent, MUST).message


def test_a_cdi_file_of_another_driver_is_named() -> None:
    stale = replace(TWO, cdi=(replace(CDI, driver="550.54.15"),))
    [warning] = grant(stale, "auto").warnings
    assert "made for the driver 550.54.15, and 580.159.04 is loaded" in warning


def test_a_file_that_lacks_a_device_is_not_used() -> None:
    lacking = replace(TWO, cdi=(replace(CDI, names=("0", "all")),), toolkit="/ctk")
    assert grant(lacking, ("1",)).gpus == '"device=1"'


def test_mig_devices_are_counted_for_those_who_cannot() -> None:
    given = grant(replace(TWO, gpus=(MIG, B)), "auto")
    assert given.visible == given.uuids == ("MIG-1", "MIG-2", "GPU-b")
    assert given.env == {"CUDA_VISIBLE_DEVICES": "MIG-1,MIG-2,GPU-b"}
    assert given.number == 3


def test_one_mig_device_can_be_chosen() -> None:
    named = replace(CDI, names=("MIG-2", "all"))
    given = grant(replace(TWO, gpus=(MIG,), cdi=(named,)), ("MIG-2",))
    assert given.devices == ("nvidia.com/gpu=MIG-2",)
    assert (given.visible, given.number) == (("MIG-2",), 1)


def test_mig_with_no_device_is_no_gpu_and_said() -> None:
    given = grant(replace(TWO, gpus=(replace(A, mig=()), B)), "auto")
    assert given.uuids == ("GPU-b",)
    assert "MIG on, and no MIG device" in given.warnings[0]


def test_a_card_of_a_virtual_machine_is_not_the_hosts() -> None:
    passed = HostGpus(cards=(replace(CARD, driver="vfio-pci"),))
    assert grant(passed, "auto") == NO_GPUS


def test_amd_is_given_by_its_devices_and_their_groups() -> None:
    given = grant(ROCM, "auto")
    assert given.devices == ("/dev/kfd", "/dev/dri")
    assert (given.groups, given.number) == (("44", "109"), 1)
    assert grant(ROCM, ("0",)).devices == ("/dev/kfd", "/dev/dri/renderD128")
    assert "0 (renderD128)" in refusal(ROCM, ("1",)).message
    assert "amdgpu" in refusal(replace(ROCM, kfd=False), MUST).hint


def test_nvidia_goes_before_the_amd_in_the_processor() -> None:
    both = replace(TWO, cards=(APU, *TWO.cards), kfd=True)
    assert grant(both, "auto").devices == ("nvidia.com/gpu=all",)


def test_none_are_given_where_none_are_wanted() -> None:
    assert grant(TWO, NONE) == NO_GPUS


def test_the_gpus_come_with_the_changes() -> None:
    plain = [Change("image", "a", "b")]
    given = grant(TWO, "auto")
    assert granted(given.on(plain)) == given
    assert granted(NO_GPUS.on(plain)) == NO_GPUS
    assert str(given.on(plain)[0]) == "image: a -> b"


class Asked(BaseModel):
    gpus: WantedGpus


@pytest.mark.parametrize("value", ["auto", True, False])
def test_words_that_say_which_are_wanted(value: object) -> None:
    assert Asked.model_validate({"gpus": value}).gpus == value


def test_a_list_has_indexes_and_uuids() -> None:
    assert Asked.model_validate({"gpus": [0, "GPU-a"]}).gpus == ("0", "GPU-a")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("all", "auto, true, false, or a list"),
        (1, "auto, true, false, or a list"),
        ([], "one twice, or none"),
        ([0, 0], "one twice, or none"),
        ([-1], "there is -1"),
        (["H100"], "there is H100"),
    ],
)
def test_other_words_are_refused(value: object, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Asked.model_validate({"gpus": value})


@pytest.mark.parametrize(
    ("driver", "cuda"),
    [
        ("580.159.04", (13, 0)),
        ("535.183.01", (12, 2)),
        ("470.256.02", (11, 4)),
        ("537.13", (12, 2)),
        ("999.1", None),
        ("390.157", None),
        ("", None),
    ],
)
def test_the_cuda_of_a_driver(driver: str, cuda: object) -> None:
    assert cuda_of_driver(driver) == cuda


@pytest.mark.parametrize(
    ("image", "cuda"),
    [
        ("rayproject/ray:2.60.0-py312-cu128", (12, 8)),
        ("rayproject/ray:2.60.0-cu118", (11, 8)),
        ("mine:5000/ray-ml:2.60.0-cuda12.4", (12, 4)),
        ("rayproject/ray:2.60.0-gpu", None),
        ("rayproject/ray:2.60.0", None),
        ("mine-cu121/ray:2.60.0", None),
    ],
)
def test_the_cuda_of_an_image(image: str, cuda: object) -> None:
    assert cuda_of_image(image) == cuda


def test_a_driver_too_old_for_the_image_has_both_numbers() -> None:
    image = "rayproject/ray:2.60.0-cu128"
    warning = cuda_warning(image, "535.183.01")
    assert "CUDA 12.8" in warning and "CUDA 12.2 at most" in warning
    assert "535.183.01" in warning
    assert cuda_warning(image, "580.159.04") == ""
    assert cuda_warning(image, "999.1") == "", "a driver that is not known may be newer"
