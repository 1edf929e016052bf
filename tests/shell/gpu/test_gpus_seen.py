"""The check of GPUs from the bus to Ray, on hosts that are files; Docker is a stub."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest
from shells import EACH_SHELL
from support.gpu_host import H100, H200, ROWS, GpuHost
from web import serving

from provision.model.shell import Reply, Sh
from provision.model.step import Step
from provision.ray.steps.gpus_seen import GpusSeen

Shell = tuple[str, ...]
LISTED = (
    f"GPU 0: NVIDIA H100 80GB HBM3 (UUID: {H100})\nGPU 1: NVIDIA H200 (UUID: {H200})\n"
)
RAYLET = "raylet node:10.0.0.2,1.0,CPU,2,GPU,2,memory,16826822656\n"
LOOPBACK = "127.0.0.1"


class Nodes(BaseHTTPRequestHandler):
    """Ray's list of nodes, as its dashboard answers with a filter by address."""

    def do_GET(self) -> None:
        gpus = 2.0 if self.path.endswith("filter_values=10.0.0.2") else 1.0
        node = {
            "node_ip": "10.0.0.2",
            "state": "ALIVE",
            "resources_total": {"GPU": gpus},
        }
        body = json.dumps({"data": {"result": {"result": [node]}}}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def dashboard() -> Iterator[int]:
    with serving(Nodes) as port:
        yield port


def step(port: int, address: str = "10.0.0.2") -> Step:
    return GpusSeen(
        cluster="lab",
        address=address,
        data_dir="/nowhere/data",
        dashboard_host=LOOPBACK,
        dashboard_port=port,
    )


def run(shell: Shell, host: GpuHost, sh: Sh) -> Reply:
    script = f"(\nset -u\n{sh.render()}\n) </dev/null\n"
    tools = f"{host.tools}:/usr/bin:/bin"  # bash and timeout, for the request
    root = str(host.root)
    env = {"PATH": tools, "LC_ALL": "C", "PROVISION_GPU_ROOT": root, **host.env}
    done = subprocess.run(
        shell, input=script, env=env, capture_output=True, text=True, check=False
    )
    return Reply(done.stdout, done.stderr, done.returncode)


def found(shell: Shell, host: GpuHost, step: Step) -> list[str]:
    reply = run(shell, host, step.probe())
    return [str(change) for change in step.plan(step.observe(reply))]


@pytest.fixture
def two(host: GpuHost) -> GpuHost:
    host.card().card("0000:00:07.0", "10de:2335").driver().cdi()
    return host.smi(ROWS[H100], ROWS[H200]).cdi("kind: nvidia.com/gpu\n  name: all\n")


@EACH_SHELL
def test_the_same_gpus_everywhere(shell: Shell, two: GpuHost, dashboard: int) -> None:
    two.container(LISTED + RAYLET)
    assert found(shell, two, step(dashboard)) == []


@EACH_SHELL
@pytest.mark.parametrize(
    ("inside", "code", "change"),
    [
        (
            f"{LISTED.splitlines()[0]}\n",
            0,
            f"GPUs in the container: 1, without {H200} -> 2",
        ),
        (
            "sh: 1: nvidia-smi: not found\n",
            0,
            f"GPUs in the container: 0, without {H100}, {H200}; sh: 1: nvidia-smi: not "
            "found -> 2",
        ),
        (
            "Error response from daemon: No such container: ray-lab\n",
            1,
            "GPUs in the container: unknown: Error response from daemon: No such "
            "container: ray-lab -> 2",
        ),
    ],
)
def test_what_the_container_says_is_compared(
    shell: Shell, two: GpuHost, dashboard: int, inside: str, code: int, change: str
) -> None:
    two.container(inside, code)
    assert found(shell, two, step(dashboard)) == [change]


@EACH_SHELL
def test_the_number_of_ray_is_of_this_node(
    shell: Shell, two: GpuHost, dashboard: int
) -> None:
    two.container(LISTED + RAYLET)
    other = step(dashboard, address="10.0.0.3")
    assert found(shell, two, other) == ["GPUs in Ray: 1 -> 2"]


@EACH_SHELL
def test_what_cuda_is_let_see_is_what_ray_should_count(
    shell: Shell, two: GpuHost, dashboard: int
) -> None:
    two.container(f"{LISTED}visible 0\n{RAYLET}")
    assert found(shell, two, step(dashboard)) == ["GPUs in Ray: 2 -> 1"]


@EACH_SHELL
def test_a_dashboard_on_the_head_alone_is_made_up_for(
    shell: Shell, two: GpuHost, closed_port: int
) -> None:
    two.container(LISTED + RAYLET)
    assert found(shell, two, step(closed_port)) == []
    two.container(LISTED)
    assert found(shell, two, step(closed_port)) == ["GPUs in Ray: unknown -> 2"]


@EACH_SHELL
def test_a_host_with_no_gpu_asks_nobody(
    shell: Shell, host: GpuHost, closed_port: int
) -> None:
    host.container("asked\n")
    assert run(shell, host, step(closed_port).probe()).stdout == ""


@EACH_SHELL
def test_the_last_lines_are_of_host_and_container(
    shell: Shell, two: GpuHost, closed_port: int
) -> None:
    two.container("Failed to initialize NVML: Unknown Error\n")
    evidence = step(closed_port).evidence()
    assert evidence
    lines = run(shell, two, evidence).stdout.splitlines()
    assert "container: Failed to initialize NVML: Unknown Error" in lines


IN_CONTAINER = """\
#!/bin/sh
case "$1" in
info) echo '28.0.1 ["/etc/cdi","/var/run/cdi"] runc' ;;
exec)
    shift 2
    PATH={tools}:$PATH exec "$@" ;;
esac
"""
"""A Docker in whose containers the host's own shell runs, with other programs before."""


def open_container(host: GpuHost, **programs: str) -> None:
    inside = host.root / "container"
    inside.mkdir()
    text = IN_CONTAINER.format(tools=inside)
    for path, program in {
        host.tools / "docker": text,
        **{inside / name.replace("_", "-"): text for name, text in programs.items()},
    }.items():
        path.write_text(f"{program}\n")
        path.chmod(0o755)


ENDED_IN_TIME = '#!/bin/sh\necho "$*" >>{folder}/limits\nexit 124'
"""A timeout(1) that ends at once, as for a program that hangs."""


@EACH_SHELL
def test_an_nvidia_smi_that_hangs_in_the_container_is_ended_there(
    shell: Shell, two: GpuHost, dashboard: int
) -> None:
    open_container(two, timeout=ENDED_IN_TIME.format(folder=two.root))
    assert found(shell, two, step(dashboard)) == [
        "GPUs in the container: unknown: nvidia-smi did not answer within 15 s -> 2"
    ]
    assert (two.root / "limits").read_text() == "-k 1 15 nvidia-smi -L\n"


@pytest.mark.slow
@EACH_SHELL
def test_one_that_hangs_on_the_host_is_not_asked_in_the_container(
    shell: Shell, two: GpuHost, dashboard: int
) -> None:
    two.hanging_smi()
    two.env["PROVISION_GPU_WAIT_S"] = "1"
    asked = f"#!/bin/sh\ntouch {two.root}/inside-asked"
    open_container(two, nvidia_smi=asked)
    assert found(shell, two, step(dashboard)) == [
        "GPUs of the driver: unknown: nvidia-smi did not answer within 1 s -> 2"
    ]
    assert not (two.root / "inside-asked").exists()
