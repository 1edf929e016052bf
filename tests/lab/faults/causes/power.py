"""The power goes: of all hosts at once, of the head alone. Nobody runs anything after."""

from __future__ import annotations

import random
import shlex
import time

from faults import cluster
from faults.cluster import HEAD, HOSTS, WORKERS, heals
from faults.fault import fault
from faults.fault_host import on, wait_until
from provision import lab

PART = "the power goes"
WHOLE_S = 60
DARK_S = 20

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
    """Run a program in a host's Ray container; the last line it printed."""
    said = lab.run(host, "docker", "exec", "ray-lab", "python", "-c", program)
    return (said.strip().splitlines() or [""])[-1]


@fault(
    PART,
    "all hosts lose their power at once",
    done="All lab hosts are killed in one instant and started in random order.",
    outcome="The cluster is whole again by itself within a minute of the hosts: all "
    "nodes ALIVE, all metrics up.",
    about_s=90,
    cluster=True,
)
def everywhere() -> None:
    order = random.sample(HOSTS, len(HOSTS))
    lab.power_off()
    started = time.monotonic()
    lab.power_on(order)
    booted_s = time.monotonic() - started
    took_s = heals(2 * WHOLE_S)
    print(
        f"{'':17} started {', '.join(order)}: up in {booted_s:.0f} s, whole {took_s:.0f} s later"
    )
    assert booted_s + took_s < WHOLE_S, f"whole after {booted_s + took_s:.0f} s"


@fault(
    PART,
    "the head loses its power",
    done="The head is killed and started again 20 s later, while an actor and a job live "
    "on a worker.",
    outcome="Workers stay as they are. A detached actor on a worker keeps its state, a "
    "job there goes on, and all nodes are ALIVE again by themselves.",
    about_s=150,
    cluster=True,
)
def head_alone() -> None:
    worker = WORKERS[0]
    before = [cluster.container(host) for host in WORKERS]
    assert _python(worker, COUNTER) == "count 1"
    on(worker, "docker exec ray-lab rm -f /tmp/ticks /tmp/result")
    start = ("docker", "exec", "-d", "ray-lab", "sh", "-c")
    lab.run(worker, *start, f"python -c {shlex.quote(JOB)} >/tmp/result 2>&1")
    wait_until(lambda: _ticks(worker) > 0, 60, "the job runs")
    lab.power_off([HEAD])
    time.sleep(DARK_S)
    dark = _ticks(worker)
    assert dark >= DARK_S - 5, "the job stands still without a head"
    lab.power_on([HEAD])
    heals(2 * WHOLE_S)
    assert [cluster.container(host) for host in WORKERS] == before
    assert _python(worker, COUNTER) == "count 2", "the actor forgot its state"
    done = "docker exec ray-lab grep -q '^result all ticks' /tmp/result"
    wait_until(
        lambda: on(worker, f"{done} && echo yes || true") != "", 120, "the job ends"
    )
    _python(worker, REMOVE)


def _ticks(host: str) -> int:
    said = on(host, "docker exec ray-lab cat /tmp/ticks 2>/dev/null | wc -l")
    return int(said or 0)
