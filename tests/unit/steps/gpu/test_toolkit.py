"""The toolkit and the engine for GPUs, in plans and on hosts that need something else."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from pydantic import ValidationError

from provision.errors import RefusedError
from provision.model.change import State
from provision.model.shell import Reply
from provision.steps.docker.engine.engine import ENGINE_RESTART
from provision.steps.gpu.host_gpus import GPU_ACCESS
from provision.steps.gpu.toolkit.docker_gpus import DockerGpus
from provision.steps.gpu.toolkit.nvidia_toolkit import NvidiaToolkit

GPU = (
    "gpu.driver=580.159.04\n"
    "gpu.row.0=0, GPU-0, 1, Disabled, x, NVIDIA H200\n"
    "gpu.row.1=1, GPU-1, 1, Disabled, y, NVIDIA H200\n"
)
TOOL = "gpu.toolkit=/usr/bin/nvidia-ctk\n"
ENGINE = "engine=installed\nclient=installed\nrunning=true\nversion=26.1\nboot=true\n"
CDI_OFF = "gpu.docker=26.1.5 [] runc\n"
CDI_ON = 'gpu.docker=28.0.1 ["/etc/cdi","/var/run/cdi"] runc\n'


def toolkit(lines: str) -> list[str]:
    step = NvidiaToolkit()
    return [str(change) for change in step.plan(step.observe(Reply(lines)))]


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("gpu.cdi./etc/cdi/nvidia.yaml=580.159.04 0 1 all\n", 0),
        ("gpu.cdi./var/run/cdi/nvidia.yaml=580.159.04 0 1 all\n", 0),
        ("gpu.cdi./etc/cdi/mine.yaml=- all\n", 0),
        ("gpu.cdi./etc/cdi/nvidia.yaml=580.159.04 0 all\n", 1),
        ("gpu.cdi./etc/cdi/nvidia.yaml=550.54.15 0 1 all\n", 1),
        ("", 1),
    ],
)
def test_a_cdi_file_is_made_when_none_describes_all_gpus_of_this_driver(
    file: str, changes: int
) -> None:
    assert len(toolkit(GPU + TOOL + CDI_ON + file)) == changes


def test_the_file_that_is_outdated_is_the_one_that_is_made_again() -> None:
    [change] = toolkit(
        GPU + TOOL + CDI_ON + "gpu.cdi./var/run/cdi/nvidia.yaml=550.1 0 1 all\n"
    )
    assert change.startswith("/var/run/cdi/nvidia.yaml: ")


GOOD = "gpu.cdi./etc/cdi/nvidia.yaml=580.159.04 0 1 all\n"
LISTED_0 = GPU[: GPU.index("gpu.row.1")]
CARD_0, CARD_1 = (
    f"gpu.card.0000:00:0{slot}.0=0x10de 0x030200 0x2335 nvidia \n" for slot in (6, 7)
)
AT_6 = LISTED_0.replace(", x,", ", 00000000:00:06.0,")


@pytest.mark.parametrize(
    "said",
    [
        "gpu.driver=580.159.04\ngpu.error=nvidia-smi did not answer within 20 s\n",
        "gpu.driver=580.159.04\n",
        f"{LISTED_0}gpu.error=GPU is lost\n",
        LISTED_0,
        f"{CARD_0}{CARD_1}{AT_6}",
    ],
    ids=[
        "hangs",
        "says nothing",
        "lists some and an error",
        "no bus",
        "fewer than bus",
    ],
)
def test_a_good_cdi_file_is_left_while_gpus_are_missing(said: str) -> None:
    assert toolkit(said + TOOL + CDI_ON + GOOD) == []


def test_no_cdi_file_is_made_while_nvidia_smi_fails_and_that_is_said() -> None:
    step = NvidiaToolkit()
    for file in ("", GOOD.replace("580.159.04", "550.54.15")):
        lines = (
            f"gpu.driver=580.159.04\ngpu.error=Driver mismatch\n{TOOL}{CDI_ON}{file}"
        )
        state = step.observe(Reply(lines))
        assert step.plan(state) == []
        [remark] = step.remarks(state)
        assert remark.startswith("nvidia-smi: Driver mismatch; CDI files are left")
    assert list(step.remarks(step.observe(Reply(GPU + TOOL + CDI_ON + GOOD)))) == []


def test_a_gpu_that_was_taken_out_is_taken_out_of_the_file() -> None:
    [change] = toolkit(CARD_0 + AT_6 + TOOL + CDI_ON + GOOD)
    assert change.endswith("580.159.04 0 1 all -> 580.159.04 0 all")


def test_mig_devices_have_numbers_of_their_own_in_the_file() -> None:
    mig = (
        "gpu.mig.0=GPU 0: NVIDIA H200 (UUID: GPU-0)\n"
        "gpu.mig.1=MIG 3g.71gb Device 0: (UUID: MIG-1)\n"
        "gpu.mig.2=MIG 3g.71gb Device 1: (UUID: MIG-2)\n"
    )
    lines = GPU.replace("1, Disabled, x", "1, Enabled, x") + mig + TOOL + CDI_ON
    file = "gpu.cdi./etc/cdi/nvidia.yaml=580.159.04 0:0 0:1 1 all\n"
    assert toolkit(lines + file) == []
    [change] = toolkit(lines + file.replace(" 0:1", ""))
    assert change.endswith("-> 580.159.04 0:0 0:1 1 all")


def test_a_card_without_a_driver_gets_no_toolkit() -> None:
    assert toolkit("gpu.card.0000:00:06.0=0x10de 0x030200 0x2330  \n") == []


def test_a_plan_passes_on_what_the_toolkit_brings() -> None:
    step = NvidiaToolkit()
    changes = step.plan(step.observe(Reply(GPU + CDI_ON)))
    written = step.writes(changes)[GPU_ACCESS]
    assert written["gpu.cdi./etc/cdi/nvidia.yaml"] == "580.159.04 0 1 all"
    assert written["gpu.toolkit"]


@pytest.mark.parametrize("step", [NvidiaToolkit(), DockerGpus()])
def test_an_engine_that_is_yet_to_come_makes_it_unknown(step: Any) -> None:
    coming: dict[str, State] = {"engine:docker": {"engine": "installed"}}
    assert step.foresee(step.observe(Reply(GPU)), coming) is None
    assert step.foresee(step.observe(Reply("")), coming) == {}


def test_a_repository_without_a_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="needs `key` and `fingerprint`"):
        NvidiaToolkit(deb="http://mirror.lan/deb")


def engine(lines: str, document: object = None) -> list[str]:
    step = DockerGpus()
    text = document if isinstance(document, str) else json.dumps(document or {})
    file = f"file={base64.b64encode(text.encode()).decode()}\n"
    return [str(c) for c in step.plan(step.observe(Reply(ENGINE + file + lines)))]


def test_entries_of_others_stay_beside_ours() -> None:
    [change] = engine(GPU + CDI_OFF, {"features": {"buildkit": True}, "debug": True})
    assert change.endswith('-> {"buildkit": true, "cdi": true}')
    step = DockerGpus()
    document = base64.b64encode(b'{"debug": true}').decode()
    lines = f"{ENGINE}file={document}\n{GPU}{CDI_OFF}"
    sh = step.apply(step.plan(step.observe(Reply(lines))))
    assert json.loads(sh.params["document"]) == {
        "debug": True,
        "features": {"cdi": True},
    }
    assert sh.params["restart"] == "true", "a reload makes no engine read CDI files"
    assert sh.params["install"] == "false"


def test_a_restart_is_promised_unless_the_containers_outlive_it() -> None:
    step = DockerGpus()
    for live, stops in ((True, False), (False, True)):
        text = base64.b64encode(json.dumps({"live-restore": live}).encode()).decode()
        lines = f"{ENGINE}file={text}\n{GPU}{CDI_OFF}"
        changes = step.plan(step.observe(Reply(lines)))
        assert (ENGINE_RESTART in step.writes(changes)) == stops


def test_what_docker_needs_no_more_is_left_out() -> None:
    assert engine(GPU + CDI_ON) == []
    assert engine(CDI_OFF) == [], "there is no GPU"
    old = "gpu.docker=20.10.24 null runc nvidia\n"
    assert engine(GPU + TOOL + old) == []
    assert engine(GPU + old.replace(" nvidia", "")) == [], "there is no runtime to name"


def test_a_daemon_json_that_is_none_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"daemon\.json"):
        engine(GPU + CDI_OFF, "{not json")
