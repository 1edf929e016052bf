"""doctor: a look at each host, a plan of the deploy, and a test of pairs; changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Unpack

from provision.config import playbook as playbooks
from provision.config.inventory import Inventory
from provision.config.playbook import Play, Playbook
from provision.engine import run as engine
from provision.engine.run import ClusterOptions, Hosts, load_inventory
from provision.model.change import State
from provision.model.result import HostResult, Run
from provision.model.step import Step
from provision.ray.doctor.bandwidth.bandwidth import measure
from provision.ray.doctor.bandwidth.baseline import baseline_file, read_baseline
from provision.ray.doctor.bandwidth.rules import bandwidth_findings
from provision.ray.doctor.finding import Diagnosis, Finding, PairCount
from provision.ray.doctor.look.facts import Facts, is_address
from provision.ray.doctor.look.survey import Survey
from provision.ray.doctor.pairs.pairs import PairsResult, pair_test
from provision.ray.doctor.rules.between_hosts import cluster_findings
from provision.ray.doctor.rules.gpus import gpu_findings
from provision.ray.doctor.rules.network import (
    address_findings,
    index_findings,
    name_findings,
    port_findings,
    source_findings,
)
from provision.ray.doctor.rules.packages import docker_findings, package_findings
from provision.ray.doctor.rules.room import room_findings
from provision.ray.doctor.rules.run_errors import host_error, step_findings
from provision.ray.doctor.rules.system import system_findings
from provision.ray.doctor.wanted import Wanted, wanted
from provision.ray.head import PLAYBOOK, node_names, stored_secrets
from provision.ray.stopped.stopped import stopped_in


def doctor(
    inventory: Hosts,
    *,
    limit: str = "",
    bandwidth: bool = False,
    **options: Unpack[ClusterOptions],
) -> Diagnosis:
    """Return what would make a deploy fail; change nothing.

    Args:
        inventory: the cluster.
        limit: a pattern; only these hosts are looked at.
        bandwidth: measure it between the hosts as well, and keep a baseline.
        options: as for a deploy: `sets` are the variables it would be given.

    Raises:
        InputErrors: inventory or playbook are wrong; no host was contacted.
        OptionError: the baseline of the bandwidth cannot be read or written.
    """
    cluster = load_inventory(inventory, options)
    if bandwidth:
        read_baseline(baseline_file(cluster))
    needs = _wanted(cluster, limit, options)
    names = _names(needs.values())
    run = engine.plan(cluster, _playbook(cluster, needs, names), limit=limit, **options)
    looks = _looks(run)
    pairs, measured = PairsResult(PairCount(), ()), None
    if not run.interrupted:
        run_steps = partial(_run_steps, cluster, options)
        pairs = pair_test(looks, needs, run_steps)
        if bandwidth:
            measured = measure(looks, needs, run_steps, baseline_file(cluster))
    of_hosts = (
        one for name in needs for one in _of_host(name, run, looks, needs[name])
    )
    between = bandwidth_findings(measured) if measured else ()
    of_cluster = (*cluster_findings(looks, needs, names), *pairs.findings, *between)
    order = list(needs)
    found = sorted((*of_hosts, *of_cluster), key=lambda one: order.index(one.host))
    shown = {facts.host: facts.shown for facts in looks}
    return Diagnosis(
        cluster.cluster,
        {name: shown.get(name, {}) for name in needs},
        tuple(found),
        pairs=pairs.count,
        interrupted=run.interrupted,
        bandwidth=measured,
        stopped=stopped_in(run),
    )


def _looks(run: Run) -> list[Facts]:
    """The facts of the hosts that answered."""
    states = ((name, _observed(result)) for name, result in run.hosts.items())
    return [Facts(name, state) for name, state in states if state is not None]


def _wanted(
    cluster: Inventory, limit: str, options: ClusterOptions
) -> dict[str, Wanted]:
    """The needs of a deploy on each of the chosen hosts that run Ray."""
    bound = playbooks.bind(
        _deploy(cluster),
        cluster,
        secrets=stored_secrets(cluster),
        sets=options.get("sets", {}),
        limit=limit,
    )
    chosen = {name for play in bound.plays for name in play.steps}
    nodes = node_names(cluster) & chosen
    return {
        name: wanted(bound, host, cluster.cluster)
        for name, host in cluster.hosts.items()
        if name in nodes
    }


def _deploy(cluster: Inventory) -> Playbook:
    return playbooks.load(playbooks.find(PLAYBOOK), cluster.credentials)


def _names(needs: Collection[Wanted]) -> tuple[str, ...]:
    """The names by which hosts of the cluster reach each other."""
    addresses = dict.fromkeys(one.host.address for one in needs)
    return tuple(name for name in addresses if not is_address(name))


def _playbook(
    cluster: Inventory, needs: Mapping[str, Wanted], names: tuple[str, ...]
) -> Playbook:
    """The deploy with a look at each host before it: all of it is one script there."""
    deploy = _deploy(cluster)
    surveys = {
        name: Survey(
            names=names,
            targets=one.targets,
            ports=tuple(one.ports),
            paths=one.paths,
            container=one.container,
            programs_dir=one.programs_dir,
        )
        for name, one in needs.items()
    }
    plays = tuple(_plays(surveys))
    nowhere = [Playbook(plays).source(0)] * len(plays)
    return replace(
        deploy,
        plays=(*plays, *deploy.plays),
        sources=(*nowhere, *deploy.sources),
    )


def _plays(steps: Mapping[str, Step]) -> Iterator[Play]:
    for name, step in steps.items():
        play = f"{step.title} {name}"
        yield Play(play=play, hosts=name, become=True, steps=(step,))


def _observed(result: HostResult, kind: str = Survey.kind) -> State | None:
    for step in result.steps:
        if step.kind == kind and not step.error:
            return step.observed
    return None


def _of_host(
    name: str, run: Run, looks: Sequence[Facts], needs: Wanted
) -> Iterator[Finding]:
    """Yield all that is found on one host."""
    result = run.hosts.get(name, HostResult())
    if result.error:
        yield host_error(name, result.error)
    mine = [facts for facts in looks if facts.host == name]
    due = {step.kind for step in result.steps if step.outcome != "ok"}
    known = set()
    for facts in mine:
        for one in _by_rules(facts, needs, due):
            known.add(one.id)
            yield one
    yield from step_findings(name, result, known)


def _by_rules(facts: Facts, needs: Wanted, due: Collection[str]) -> Iterator[Finding]:
    yield from system_findings(facts, needs)
    yield from package_findings(facts)
    yield from docker_findings(facts, needs)
    yield from address_findings(facts, needs)
    yield from name_findings(facts)
    yield from port_findings(facts, needs)
    yield from index_findings(facts, due)
    yield from source_findings(facts, needs, due)
    yield from room_findings(facts, needs, due)
    yield from gpu_findings(facts)


def _run_steps(
    cluster: Inventory, options: ClusterOptions, steps: Mapping[str, Step]
) -> dict[str, State | None]:
    """Run one step on each host, all at once; return what each observed."""
    if not steps:
        return {}
    quiet: ClusterOptions = {**options, "reporters": ()}
    done = engine.plan(cluster, list(_plays(steps)), **quiet)
    if done.interrupted:
        raise KeyboardInterrupt
    return {
        name: _observed(done.hosts.get(name, HostResult()), step.kind)
        for name, step in steps.items()
    }
