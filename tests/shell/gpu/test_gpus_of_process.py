"""The GPUs of a host beside those that a raylet, a process of this machine, was started with."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from shells import EACH_SHELL
from support.gpu_host import H100, H200, ROWS, GpuHost

from provision.model.shell import Reply
from provision.ray.steps.gpus_seen.process import GpusOfProcess, process_gpu_cell

Shell = tuple[str, ...]
RESOURCES = "node:10.0.0.2,1.0,CPU,2,GPU,{},memory,1000"
SLEEP = "import time; time.sleep(300)"


@pytest.fixture
def two(host: GpuHost) -> GpuHost:
    """A host with two GPUs."""
    host.card().card("0000:00:07.0", "10de:2335").driver()
    host.smi(ROWS[H100], ROWS[H200])
    return host


@pytest.fixture
def raylet(tmp_path: Path) -> Iterator[str]:
    """Ray's folder, with a raylet that counts one GPU, beside one of another cluster."""
    argv = [sys.executable, "-c", SLEEP, f"--socket={tmp_path}/ray/s", "--resources"]
    other = [sys.executable, "-c", SLEEP, "--socket=/nowhere/ray/s", "--resources"]
    with (
        subprocess.Popen(
            [*argv, f"--static_resource_list={RESOURCES.format(1)}"]
        ) as one,
        subprocess.Popen(
            [*other, f"--static_resource_list={RESOURCES.format(9)}"]
        ) as two,
    ):
        yield str(tmp_path)
        one.kill()
        two.kill()


def seen(shell: Shell, host: GpuHost, step: GpusOfProcess) -> dict[str, str]:
    done = subprocess.run(
        shell,
        input=f"(\nset -u\n{step.probe().render()}\n) </dev/null\n",
        env={
            "PATH": f"{host.tools}:/usr/bin:/bin",
            "PROVISION_GPU_ROOT": str(host.root),
            **host.env,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(step.observe(Reply(done.stdout, done.stderr, 0)))


@EACH_SHELL
def test_its_own_raylet_is_compared(two: GpuHost, raylet: str, shell: Shell) -> None:
    step = GpusOfProcess(data_dir=raylet)
    found = seen(shell, two, step)
    assert [str(one) for one in step.plan(found)] == ["GPUs in Ray: 1 -> 2"]
    assert process_gpu_cell(found).startswith("1 in Ray of 2 x ")
    told = GpusOfProcess(data_dir=raylet, num_gpus=1)
    assert told.plan(found) == []
    assert GpusOfProcess(data_dir=raylet, visible=H100).plan(found) == []


def test_a_node_that_does_not_run_is_unknown_and_no_difference(
    two: GpuHost, tmp_path: Path
) -> None:
    step = GpusOfProcess(data_dir=f"{tmp_path}/none")
    found = seen(("sh",), two, step)
    assert step.plan(found) == []
    assert process_gpu_cell(found).endswith("unknown in Ray")
    assert H200 in str(found)


def test_a_host_without_gpus_has_none(host: GpuHost, raylet: str) -> None:
    step = GpusOfProcess(data_dir=raylet)
    found = seen(("sh",), host, step)
    assert (found, process_gpu_cell(found)) == ({}, "-")
