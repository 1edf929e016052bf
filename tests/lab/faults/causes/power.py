"""Power failures of all hosts or of the head alone, with no deploy afterwards."""

from __future__ import annotations

import random
import shlex
import time

from faults import cluster
from faults.cluster import HEAD, HOSTS, WORKERS, wait_until_healthy
from faults.fault import fault
from faults.fault_host import run_as_root, wait_until
from provision import lab

HEADING = "the power fails"
HEALTHY_S = 60
OFF_S = 20

COUNTER = r"""
import ray, sys, time
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On
ray.init(address="auto", namespace="fault", log_to_driver=False)
here = On(ray.get_runtime_context().get_node_id(), soft=False)

@ray.remote(num_cpus=0, scheduling_strategy=here)
class Counter:
    def __init__(self):
        self.count = 0
    def add(self):
        self.count += 1
        return self.count

counter = Counter.options(name="fault", lifetime="detached", get_if_exists=True).remote()
print("count", ray.get(counter.add.remote()))
"""
JOB = r"""
import ray, time
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On
ray.init(address="auto", log_to_driver=False)
here = On(ray.get_runtime_context().get_node_id(), soft=False)

@ray.remote(num_cpus=0, scheduling_strategy=here)
def tick():
    for number in range(90):
        with open("/tmp/ticks", "a") as ticks:
            ticks.write(f"{number}\n")
        time.sleep(1)
    return "all ticks"

print("result", ray.get(tick.remote()), flush=True)
"""
REMOVE = r"""
import ray
ray.init(address="auto", namespace="fault", log_to_driver=False)
ray.kill(ray.get_actor("fault"))
"""


def _python(host: str, program: str) -> str:
    """Run a program in a host's Ray container; return the last line it prints."""
    output = lab.run(host, "docker", "exec", "ray-lab", "python", "-c", program)
    return (output.strip().splitlines() or [""])[-1]


@fault(
    HEADING,
    "all hosts lose their power at once",
    injection="All lab hosts are killed at the same moment and started in random order.",
    outcome="The cluster recovers without help within a minute: all nodes ALIVE, all "
    "metrics up.",
    estimate_s=90,
    cluster=True,
)
def everywhere() -> None:
    order = random.sample(HOSTS, len(HOSTS))
    lab.power_off()
    started = time.monotonic()
    lab.power_on(order)
    booted_s = time.monotonic() - started
    took_s = wait_until_healthy(2 * HEALTHY_S)
    print(
        f"{'':17} started {', '.join(order)}: up in {booted_s:.0f} s, healthy {took_s:.0f} s later"
    )
    assert booted_s + took_s < HEALTHY_S, f"healthy after {booted_s + took_s:.0f} s"


@fault(
    HEADING,
    "the head loses its power",
    injection="The head is killed and started again 20 s later, while an actor and a job "
    "run on a worker.",
    outcome="Workers are not restarted. A detached actor on a worker keeps its state, a "
    "job there continues, and all nodes become ALIVE again without help.",
    estimate_s=150,
    cluster=True,
)
def head_alone() -> None:
    worker = WORKERS[0]
    before = [cluster.container(host) for host in WORKERS]
    assert _python(worker, COUNTER) == "count 1"
    run_as_root(worker, "docker exec ray-lab rm -f /tmp/ticks /tmp/result")
    start = ("docker", "exec", "-d", "ray-lab", "sh", "-c")
    lab.run(worker, *start, f"python -c {shlex.quote(JOB)} >/tmp/result 2>&1")
    wait_until(lambda: _ticks(worker) > 0, 60, "the job runs")
    lab.power_off([HEAD])
    time.sleep(OFF_S)
    ticks = _ticks(worker)
    assert ticks >= OFF_S - 5, "the job stopped without a head"
    lab.power_on([HEAD])
    wait_until_healthy(2 * HEALTHY_S)
    assert [cluster.container(host) for host in WORKERS] == before
    assert _python(worker, COUNTER) == "count 2", "the actor lost its state"
    done = "docker exec ray-lab grep -q '^result all ticks' /tmp/result"
    wait_until(
        lambda: run_as_root(worker, f"{done} && echo yes || true") != "",
        120,
        "the job ends",
    )
    _python(worker, REMOVE)


def _ticks(host: str) -> int:
    output = run_as_root(host, "docker exec ray-lab cat /tmp/ticks 2>/dev/null | wc -l")
    return int(output or 0)
