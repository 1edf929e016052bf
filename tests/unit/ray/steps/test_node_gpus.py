"""The GPUs of a node: given to its container, and known to Ray."""

from __future__ import annotations

import json

import pytest
from support.gpu_host import H100, MIG_UUIDS
from support.ray_nodes import head, running, worker

from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.model.shell import Reply
from provision.ray.steps.node.base import RayNode
from provision.steps.gpu.grant import Granted
from provision.steps.gpu.host_gpus import GPU_ACCESS

CARD = "gpu.card.0000:00:06.0=0x10de 0x030200 0x2330 nvidia \n"
DRIVER = f"{CARD}gpu.driver=580.159.04\ngpu.smi=/usr/bin/nvidia-smi\n"
ROW = f"gpu.row.0=0, {H100}, 81559, Disabled, 00000000:00:06.0, NVIDIA H100 80GB HBM3\n"
CDI = "gpu.cdi./etc/cdi/nvidia.yaml=580.159.04 0 all\n"
DOCKER = 'gpu.docker=28.0.1 ["/etc/cdi","/var/run/cdi"] runc\n'
READY = f"{DRIVER}{ROW}{CDI}{DOCKER}"
NO_DRIVER = CARD.replace(" nvidia ", "  ")
MIG_ON = ROW.replace("Disabled", "Enabled") + (
    f"gpu.mig.0=GPU 0: NVIDIA H100 80GB HBM3 (UUID: {H100})\n"
    f"gpu.mig.1=MIG 3g.40gb     Device  0: (UUID: {MIG_UUIDS[0]})\n"
    f"gpu.mig.2=MIG 3g.40gb     Device  1: (UUID: {MIG_UUIDS[1]})\n"
)


def planned(node: RayNode, found: str = "") -> list[Change]:
    return node.plan(node.observe(Reply(found)))


def flags(node: RayNode, found: str) -> list[str]:
    return list(node.apply(planned(node, found)).args)


def with_gpus(node: RayNode, found: str) -> Reply:
    """Return the reply of a host that runs *node* as made from what was *found*."""
    [change] = planned(node, found)
    assert isinstance(change, Granted)
    made = node.container(change.gpus).spec()
    plain = running(node).stdout
    before, after = json.dumps(node.container().spec()), json.dumps(made)
    return Reply(found + plain.replace(before, after))


def test_a_host_with_no_gpu_gets_the_container_it_always_got() -> None:
    assert not any("gpu" in word for word in flags(worker(), ""))
    node = worker()
    assert node.plan(node.observe(running(node))) == []


def test_what_is_there_is_given_by_cdi_where_docker_takes_it() -> None:
    words = flags(worker(), READY)
    assert "--device=nvidia.com/gpu=all" in words
    assert not any(word.startswith(("--num-gpus", "--gpus")) for word in words)


def test_a_node_that_has_them_needs_nothing() -> None:
    node = worker()
    reply = with_gpus(node, READY)
    assert node.plan(node.observe(reply)) == []


def test_a_container_without_them_is_replaced_when_its_turn_comes() -> None:
    node = worker()
    reply = Reply(READY + running(node).stdout)
    [change] = node.plan(node.observe(reply))
    assert str(change) == "device.nvidia.com/gpu=all: (absent) -> given"
    assert "--device=nvidia.com/gpu=all" in node.apply([change]).args
    waiting = worker(keep_usable=True)
    assert waiting.plan(waiting.observe(reply)) == []


def test_the_plan_knows_the_state_that_such_a_container_has() -> None:
    node = worker()
    changes = planned(node, READY)
    made = node.foresee(node.observe(Reply(READY)), node.writes(changes))
    assert made
    assert node.plan({**made, "health": "healthy"}) == []


def test_a_container_made_by_the_flag_gpus_stays() -> None:
    node = worker()
    hook = f"{DRIVER}{ROW}gpu.toolkit=/usr/bin/nvidia-ctk\n"
    reply = with_gpus(node, hook)
    assert "--gpus=all" in flags(node, hook)
    assert node.plan(node.observe(Reply(CDI + DOCKER + reply.stdout))) == []


def test_a_host_with_a_card_and_no_driver_is_told_and_goes_on() -> None:
    state = worker().observe(Reply(NO_DRIVER))
    [remark] = worker().remarks(state)
    assert "NVIDIA 10de:2330 at 0000:00:06.0" in remark and "nvidia-driver" in remark
    assert not any("gpu" in word for word in flags(worker(), NO_DRIVER))
    assert list(worker(gpus=False).remarks(state)) == []


@pytest.mark.parametrize("found", ["", NO_DRIVER, DRIVER + ROW])
def test_gpus_that_must_be_there_are_refused_before_anything_is_changed(
    found: str,
) -> None:
    with pytest.raises(RefusedError):
        planned(worker(gpus=True), found)
    assert list(worker(gpus=True).remarks(worker().observe(Reply(found)))) == []


def test_what_an_earlier_step_brings_counts_in_a_plan() -> None:
    node = worker(gpus=True)
    found = DRIVER + ROW + DOCKER
    brought: State = {"gpu.cdi./etc/cdi/nvidia.yaml": "580.159.04 0 all"}
    assert GPU_ACCESS in node.reads()
    state = node.foresee(node.observe(Reply(found)), {GPU_ACCESS: brought})
    assert state
    assert "--device=nvidia.com/gpu=all" in node.apply(node.plan(state)).args


def test_an_index_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(RefusedError, match="no GPU 3 on this host; there are: 0 "):
        planned(worker(gpus=[3]), READY)


def test_mig_devices_are_told_to_ray_which_would_count_one() -> None:
    words = flags(head(), f"{DRIVER}{MIG_ON}{CDI}{DOCKER}")
    assert "--num-gpus=2" in words
    assert f"--env=CUDA_VISIBLE_DEVICES={','.join(MIG_UUIDS)}" in words


def test_the_users_own_number_and_variables_win() -> None:
    found = f"{DRIVER}{MIG_ON}{CDI}{DOCKER}"
    assert "--num-gpus=1" in flags(head(num_gpus=1), found)
    words = flags(head(env={"CUDA_VISIBLE_DEVICES": "MIG-x"}), found)
    assert "--env=CUDA_VISIBLE_DEVICES=MIG-x" in words
    assert not any(word.startswith("--num-gpus") for word in words)


def test_an_image_whose_cuda_the_driver_does_not_know_is_said() -> None:
    old = READY.replace("580.159.04", "535.183.01")
    node = worker(image="rayproject/ray:2.60.0-cu128")
    [remark] = node.remarks(node.observe(Reply(old)))
    assert "CUDA 12.8" in remark and "CUDA 12.2" in remark
    assert list(worker().remarks(worker().observe(Reply(READY)))) == []


def test_a_host_that_is_not_to_give_any_is_not_asked() -> None:
    assert worker(gpus=False).probe().params["gpus"] == "false"
    assert planned(worker(gpus=False), "")[0] == Change(
        "container", None, "rayproject/ray:2.60.0"
    )
