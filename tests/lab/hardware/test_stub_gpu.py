"""A host of the lab that seems to have a GPU: nvidia-smi on it is a stand-in, Docker and Ray are real.

No GPU can be given to a container here: what is told, refused and left alone is tried. Real
ones are in tests/gpu.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.gpu_host import H200, ROWS, SMI
from support.lab.commands import INVENTORY, invoke, invoke_with_report

from provision import lab

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(900)]

HOST = "node2"
FOLDER = "/usr/lib/wsl/lib"  # one that is on no PATH
LISTED = f"GPU 0: NVIDIA H200 (UUID: {H200})"


def on_host(script: str) -> str:
    return lab.run(HOST, "sh", "-c", script)


@pytest.fixture(scope="module", autouse=True)
def gpu(running_lab: object) -> Iterator[None]:
    """Let a deployed host have a stand-in for nvidia-smi, and none again afterwards."""
    assert invoke("deploy", "--inventory", INVENTORY).code == 0
    program = SMI.format(folder=FOLDER, code=0)
    on_host(
        f"touch /dev/nvidiactl; mkdir -p {FOLDER}; cat >{FOLDER}/nvidia-smi <<'E'\n{program}E\n"
        f"chmod 755 {FOLDER}/nvidia-smi; ln -sf {FOLDER}/nvidia-smi /usr/bin/nvidia-smi\n"
        f"echo '0, {ROWS[H200]}' >{FOLDER}/rows; echo '{LISTED}' >{FOLDER}/list"
    )
    yield
    on_host(f"rm -rf {FOLDER} /usr/bin/nvidia-smi /dev/nvidiactl")
    assert invoke("deploy", "--inventory", INVENTORY).code == 0


def test_a_gpu_that_no_container_can_have_is_told_and_changes_nothing(
    tmp_path: Path,
) -> None:
    before = lab.run(HOST, "docker", "ps", "--no-trunc", "--quiet")
    done, report = invoke_with_report(
        "deploy", "--inventory", INVENTORY, report=tmp_path / "report.json"
    )
    assert done.code == 0, done.output
    assert any("toolkit is missing" in warning for warning in report["warnings"])
    assert lab.run(HOST, "docker", "ps", "--no-trunc", "--quiet") == before


def test_status_says_that_it_is_not_given() -> None:
    done = invoke("status", "--inventory", INVENTORY)
    words = " ".join(done.output.split())
    assert "1 x NVIDIA H200" in words and "gpus" in words


def test_a_gpu_that_must_be_given_is_refused_in_the_plan() -> None:
    done = invoke("plan", "--inventory", INVENTORY, "--set", "ray_gpus=true")
    words = " ".join(done.output.split())
    assert done.code == 2
    assert "NVIDIA's container toolkit is missing" in words
    assert "this host has no GPU of NVIDIA or AMD" in words, "the other hosts"


def test_one_that_warns_or_fails_changes_nothing(tmp_path: Path) -> None:
    rows = f"{FOLDER}/rows"
    try:
        on_host(f"echo 'WARNING: infoROM is corrupted at gpu 0000:00:07.0' >>{rows}")
        done, report = invoke_with_report(
            "plan", "--inventory", INVENTORY, report=tmp_path / "report.json"
        )
        assert done.code == 0, done.output
        assert "1 x NVIDIA H200" in invoke("status", "--inventory", INVENTORY).output
        on_host(f"sed -i 's/exit 0/exit 9/' {FOLDER}/nvidia-smi; echo Failed >{rows}")
        done, report = invoke_with_report(
            "plan", "--inventory", INVENTORY, report=tmp_path / "report.json"
        )
        assert any("Failed" in warning for warning in report["warnings"]), done.output
        assert "ray_worker" not in done.output, "its container stays"
    finally:
        on_host(
            f"sed -i 's/exit 9/exit 0/' {FOLDER}/nvidia-smi; echo '0, {ROWS[H200]}' >{rows}"
        )


def test_its_metrics_are_exported_without_a_further_daemon() -> None:
    on_host("systemctl start provision-gpu-metrics.service")
    page = on_host(
        "curl -sf http://$(hostname -i | cut -d' ' -f1):9100/metrics | grep ^provision_gpu"
    )
    assert "provision_gpu_smi_up 1" in page
