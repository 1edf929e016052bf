"""The smoke job: squares of small numbers, at least one of them on every node."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from typing import Unpack

from provision.config.inventory import Inventory
from provision.engine.run import ClusterOptions, Hosts, load_inventory
from provision.errors import HostError
from provision.invocation import program
from provision.model.shell import Sh
from provision.model.step import Step
from provision.ray.head import PLAYBOOK, head_of, head_steps, node_names
from provision.ray.steps.node.base import container_name
from provision.ray.steps.node.roles import RayHeadProcess
from provision.ray.steps.nodes import RayNodes
from provision.ray.steps.stop_mark.mark import read_marks
from provision.ray.stopped.stopped import marks_at, stopped_error
from provision.steps.network.address import host_port
from provision.transport.query import ask_all

LIMIT_S = 120.0
RESULT = "[["
"""Beginning of the line with the results of the job."""
JOB = r"""
if [ "$runtime" = docker ]; then
    timeout 90 docker exec "$container" python -c "$program"
else
    [ -r "$process/run" ] || { echo "there is no Ray node in $process" >&2; exit 1; }
    cd /
    RAY_ADDRESS=$address timeout 90 sh "$process/run" python -c "$program"
fi
"""
PROGRAM = """
import json
import time
import ray
from ray.exceptions import TaskUnschedulableError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

ray.init(address="auto", log_to_driver=False, logging_level="error")

@ray.remote(num_cpus=0)
def square(number):
    return number**2, ray.util.get_node_ip_address()

def alive():
    return sorted(node["NodeID"] for node in ray.nodes() if node["Alive"])

def has_died(node):
    # For some seconds Ray lists a node as alive that has just ended.
    ends = time.monotonic() + 30
    while node in alive():
        if time.monotonic() > ends:
            return False
        time.sleep(1)
    return True

def run(numbers, retry):
    nodes = alive()
    on = {n: nodes[n % len(nodes)] for n in numbers}
    tasks = {
        n: square.options(scheduling_strategy=On(node, soft=False)).remote(n)
        for n, node in on.items()
    }
    results, again = {}, []
    for n, task in tasks.items():
        try:
            results[n] = ray.get(task, timeout=60)
        except TaskUnschedulableError:
            if not (retry and has_died(on[n])):
                raise
            again.append(n)
    return {**results, **(run(again, retry=False) if again else {})}

results = run(range(max(4, len(alive()))), retry=True)
print(json.dumps([results[n] for n in sorted(results)]))
"""


@dataclass(frozen=True, slots=True)
class Smoke:
    """The result of a smoke job.

    Attributes:
        squares: of the numbers from 0 on.
        ran_on: the host that computed each, by number.
        stopped: hosts that took no part, since a person has stopped their Ray.
    """

    squares: tuple[int, ...]
    ran_on: Mapping[int, str]
    stopped: tuple[str, ...] = ()


def smoke(inventory: Hosts, **options: Unpack[ClusterOptions]) -> Smoke:
    """Run the smoke job on the head: in its container, or as its process is run.

    It has four parallel tasks, or as many as there are nodes. They ask for no CPU, so it
    also ends on a cluster that is busy.

    Raises:
        InventoryError: there is no group `head`.
        HostError: the job failed, and `details` has the end of its output; or it ran, and
            a host of the inventory has no node that is ALIVE, and nobody has stopped it.
        StoppedError: Ray was stopped on purpose on the head.
        ConnectError: the head cannot be reached.
    """
    cluster = load_inventory(inventory, options)
    head = head_of(cluster)
    steps = list(head_steps(cluster, PLAYBOOK, options.get("sets", {})))
    job = _job(cluster, steps)
    marked, reply = ask_all(head, [marks_at(_data_dir(steps)), job], LIMIT_S)
    marks = read_marks(marked.stdout)
    if marks.head:
        raise stopped_error(head.name, marks.head)
    if reply.exit != 0:
        raise HostError(
            f"{head.name}: the smoke job failed",
            hint=f"`{program()} status` shows whether the cluster is up",
            details=reply.tail(15),
        )
    return _with_stopped(_result(reply.stdout, cluster), cluster, marks.nodes)


def _data_dir(steps: Iterable[Step]) -> str:
    """Return Ray's folder on the head; "" = the playbook has none."""
    return next((one.data_dir for one in steps if isinstance(one, RayNodes)), "")


def _job(cluster: Inventory, steps: Iterable[Step]) -> Sh:
    """Return the shell that runs the job in the runtime of *cluster*."""
    for step in steps:
        if isinstance(step, RayHeadProcess):
            address = host_port(step.address, step.ports.head)
            where = {"runtime": "pip", "process": step.folder, "address": address}
            return Sh.of(JOB, container="", program=PROGRAM, **where)
    name = container_name(cluster.cluster)
    return Sh.of(
        JOB, runtime="docker", container=name, program=PROGRAM, process="", address=""
    )


def _with_stopped(result: Smoke, inventory: Inventory, stopped: Set[str]) -> Smoke:
    """Return *result* with the hosts that took no part on purpose.

    Args:
        result: of the job.
        inventory: the cluster.
        stopped: the addresses of workers that a person has stopped.

    Raises:
        HostError: another took no part, either.
    """
    wanted = node_names(inventory)
    missing = sorted(wanted - set(result.ran_on.values()))
    rest = [one for one in missing if inventory.hosts[one].address not in stopped]
    if rest:
        there = len(wanted) - len(missing)
        raise HostError(
            f"Ray has no node that is ALIVE on {', '.join(rest)}: the smoke job ran on "
            f"{there} of {len(wanted)} hosts",
            hint=f"`{program()} status` shows what is wrong there",
        )
    return replace(result, stopped=tuple(missing))


def _result(output: str, inventory: Inventory) -> Smoke:
    # Ray's own processes write lines of their logs before it, and at the end after it.
    lines = [line for line in output.splitlines() if line.startswith(RESULT)]
    if not lines:
        raise HostError(
            "the smoke job printed no result", details=output.splitlines()[-5:]
        )
    results: list[tuple[int, str]] = json.loads(lines[-1])
    names = {host.address: host.name for host in inventory.hosts.values()}
    ran_on = {n: names.get(ip, ip) for n, (_, ip) in enumerate(results)}
    return Smoke(tuple(square for square, _ in results), ran_on)
