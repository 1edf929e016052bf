"""The probes that ask Ray and Prometheus, against a real HTTP server, in each shell."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from shells import EACH_SHELL, run
from web import Handler, closed, serving

from provision.errors import ProbeError
from provision.ray.steps.node.ports import Ports
from provision.ray.steps.node.roles import RayWorker
from provision.ray.steps.nodes import RayNodes
from provision.ray.steps.prometheus_targets import PrometheusTargets

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="bash is missing")
Shell = tuple[str, ...]
TOKEN = "a-token"
NODES = [{"node_ip": "127.0.0.1", "state": "ALIVE"}]
TARGETS = [{"labels": {"job": "ray", "instance": "a:1"}, "health": "up"}]
DOCKER = """#!/bin/sh
echo status=running
echo 'spec={}'
"""


class Answers(Handler):
    """Ray's dashboard, which asks for a token, Ray's agent and Prometheus in one."""

    def get(self) -> None:
        page, code = self.path.partition("?")[0], 200
        if page == "/api/v0/nodes":
            found: object = {"result": {"result": NODES}}
            code = 200 if self.headers["Authorization"] == f"Bearer {TOKEN}" else 401
        else:
            found = {"activeTargets": TARGETS}
        self.answer(code, json.dumps({"data": found}).encode())


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(Answers) as port:
        yield port


def nodes(
    folder: Path, port: int, open_ports: tuple[int, int] = (6380, 6381)
) -> RayNodes:
    manager, objects = open_ports
    own = Ports(node_manager=manager, object_manager=objects)
    return RayNodes(
        nodes=[{"name": "a", "address": "127.0.0.1"}],
        data_dir=str(folder),
        dashboard_host="127.0.0.1",
        dashboard_port=port,
        ports=own.model_copy(update={"workers_min": 2, "workers_max": 3}),
    )


@EACH_SHELL
@pytest.mark.parametrize("end", ["", "\n"])
def test_ray_gets_the_token_of_the_file(
    shell: Shell, port: int, tmp_path: Path, end: str
) -> None:
    (tmp_path / "auth_token").write_text(TOKEN + end)
    with serving(Answers) as other:
        step = nodes(tmp_path, port, (port, other))
        assert step.observe(run(shell, step.probe())) == {"a (127.0.0.1)": "ALIVE"}


@EACH_SHELL
def test_a_node_that_is_alive_and_cannot_be_reached_differs(
    shell: Shell, port: int, closed_port: int, tmp_path: Path
) -> None:
    (tmp_path / "auth_token").write_text(TOKEN)
    step = nodes(tmp_path, port, (port, closed_port))
    reply = run(shell, step.probe())
    assert reply.stdout.startswith(f"connection to 127.0.0.1:{closed_port}: refused\n")
    [change] = step.plan(step.observe(reply))
    said = f"ALIVE, but TCP {closed_port} is closed to the head: refused"
    assert (change.field, change.before, change.after) == (
        "a (127.0.0.1)",
        said,
        "ALIVE",
    )


@EACH_SHELL
def test_without_a_token_ray_refuses(shell: Shell, port: int, tmp_path: Path) -> None:
    step = nodes(tmp_path, port)
    with pytest.raises(ProbeError, match="Ray refuses the token"):
        step.observe(run(shell, step.probe()))


@EACH_SHELL
def test_a_dashboard_that_does_not_answer_has_no_nodes(
    shell: Shell, closed_port: int, tmp_path: Path
) -> None:
    step = nodes(tmp_path, closed_port)
    assert step.observe(run(shell, step.probe())) == {}


@EACH_SHELL
def test_the_code_for_each_token_is_printed_in_turn(
    shell: Shell, port: int, closed_port: int, tmp_path: Path
) -> None:
    def codes(port: int) -> str:
        return run(shell, nodes(tmp_path, port).try_tokens("new", TOKEN)).stdout

    assert codes(port) == "401\n200\n"
    assert codes(closed_port) == "none\nnone\n"


@EACH_SHELL
def test_prometheus_is_asked_for_its_targets(shell: Shell, port: int) -> None:
    step = PrometheusTargets(host="127.0.0.1", port=port)
    assert step.observe(run(shell, step.probe()))["targets"] == "all up"


@EACH_SHELL
def test_a_running_node_is_healthy_starting_or_cut_off(
    shell: Shell, port: int, closed_port: int, tmp_path: Path
) -> None:
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    def health(agent: int, head: int) -> str:
        worker = RayWorker(
            cluster="lab",
            image="rayproject/ray:2.60.0",
            address="127.0.0.1",
            data_dir="/srv/ray",
            head="127.0.0.1",
            ports=Ports(agent=agent, head=head, workers_min=2, workers_max=3),
        )
        return worker.observe(run(shell, worker.probe(), env=env))["health"]

    assert health(port, closed_port) == "healthy"
    assert health(closed_port, port) == "starting"
    with closed() as other:
        unreachable = f"cannot reach the head at 127.0.0.1:{other}"
        assert health(closed_port, other) == unreachable
