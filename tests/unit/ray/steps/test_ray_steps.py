"""Observed states, plans and scripts of Ray's steps, from replies of hosts; needs no Ray."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError
from support.ray_nodes import COMMON, FILES, head, running, worker

from provision.config.inventory import Host
from provision.errors import ProbeError, RefusedError
from provision.model.change import Change
from provision.model.shell import NOTHING, Reply
from provision.ray.steps.node.base import RayNode
from provision.ray.steps.node.compatibility import ray_version_of, release_of
from provision.ray.steps.node.ports import Ports
from provision.ray.steps.nodes import RayNodes

NEW = [Change("container", None, "x")]


@pytest.mark.parametrize("node", [head(), worker()])
def test_a_healthy_node_needs_nothing(node: RayNode) -> None:
    assert node.plan(node.observe(running(node))) == []


@pytest.mark.parametrize("node", [head(), worker()])
def test_a_bare_host_gets_a_container(node: RayNode) -> None:
    [change] = node.plan(node.observe(Reply()))
    assert str(change) == "container: (absent) -> rayproject/ray:2.60.0"


def test_a_head_knows_where_metrics_are_before_ray_starts() -> None:
    assert not [name for name in head().role_env() if "PROMETHEUS" in name]
    env = head(prometheus="http://10.0.0.1:9090", grafana="http://127.0.0.1:3000")
    spec = env.container().spec()
    assert spec["env.RAY_PROMETHEUS_HOST"] == "http://10.0.0.1:9090"
    assert spec["env.RAY_GRAFANA_HOST"] == "http://127.0.0.1:3000"
    assert "env.RAY_GRAFANA_IFRAME_HOST" not in spec


def test_a_changed_number_of_cpus_shows_as_that() -> None:
    before, after = head(num_cpus=1), head(num_cpus=2)
    [change] = after.plan(after.observe(running(before)))
    assert str(change) == "--num-cpus: 1 -> 2"


def test_a_worker_that_cannot_reach_the_head_says_so() -> None:
    sick = "cannot reach the head at 10.0.0.1:6379"
    [change] = worker().plan(worker().observe(running(worker(), sick)))
    assert str(change) == f"health: {sick} -> healthy"
    assert "firewall" in worker().advice(str(change))


def test_a_port_of_another_process_is_refused_with_its_name() -> None:
    reply = Reply('taken.6379=users:(("redis-server",pid=812,fd=6))\n')
    with pytest.raises(RefusedError, match=r"6379 is taken by redis-server .* 812"):
        head().plan(head().observe(reply))


def test_the_refusal_does_not_depend_on_knowing_the_process() -> None:
    with pytest.raises(RefusedError, match="6379 is taken by another process"):
        head().plan(head().observe(Reply("taken.6379=\n")))


def test_the_token_is_a_mounted_file_and_is_on_no_command_line() -> None:
    sh = head().apply(NEW)
    assert "--env=RAY_AUTH_TOKEN_PATH=/run/ray/auth_token" in sh.args
    assert (
        "--mount=type=bind,source=/var/lib/provision/lab/auth_token,"
        "target=/run/ray/auth_token,readonly"
    ) in sh.args
    assert not any("RAY_AUTH_TOKEN=" in word for word in sh.args)


def renewed(node: RayNode, file: str) -> list[str]:
    """Return the plan when a file has changed since the node read it."""
    now = FILES.replace(file, "other")
    reply = running(node).stdout.replace(f"files_now={FILES}", f"files_now={now}")
    return [str(change) for change in node.plan(node.observe(Reply(reply)))]


def test_a_new_token_replaces_all_containers_at_once() -> None:
    [restart, change] = renewed(head(), "token")
    assert change == f"file.{COMMON['data_dir']}/auth_token: outdated -> current"
    assert "all nodes at once" in restart and "cannot differ in the token" in restart


def test_a_new_authority_replaces_all_containers_at_once() -> None:
    [restart, change] = renewed(worker(tls=True), "authority")
    assert "tls/authority.crt: outdated" in change
    assert "all nodes at once" in restart and "the certificate authority" in restart


@pytest.mark.parametrize("file", ["certificate", "key"])
def test_a_renewed_certificate_replaces_nodes_in_turn(file: str) -> None:
    [change] = renewed(worker(tls=True), file)
    assert "tls/node." in change
    assert renewed(worker(tls=True, keep_usable=True), file) == []


def test_only_the_head_keeps_tables_on_disk() -> None:
    assert "--env=RAY_gcs_storage=rocksdb" in head().apply(NEW).args
    assert not any("gcs_storage" in word for word in worker().apply(NEW).args)


def test_every_port_of_a_head_is_given_to_ray() -> None:
    words = " ".join(head().apply(NEW).args)
    for port in Ports().of_head():
        assert f"={port}" in words


def test_the_dashboard_listens_on_the_cluster_address_by_default() -> None:
    assert "--dashboard-host=10.0.0.1" in head().apply(NEW).args
    hidden = head(dashboard_host="127.0.0.1")
    assert "--dashboard-host=127.0.0.1" in hidden.apply(NEW).args


def test_resources_and_labels_are_written_as_ray_reads_them() -> None:
    args = worker(resources={"disk": 2}, node_labels={"rack": "a"}).apply(NEW).args
    assert '--resources={"disk": 2.0}' in args
    assert "--labels=rack=a" in args


def test_a_data_dir_too_long_for_sockets_is_refused() -> None:
    with pytest.raises(ValidationError, match="sockets"):
        head(data_dir="/var/lib/provision/a-rather-long-name")


@pytest.mark.parametrize(
    ("ports", "problem"),
    [
        ({"head": 6380}, "the same"),
        ({"metrics": 12000}, "range of the workers"),
        ({"workers_min": 20000}, "below"),
        ({"redis": 1}, "Extra inputs"),
    ],
)
def test_ports_that_cannot_work_are_refused(ports: Any, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        head(ports=ports)


@pytest.mark.parametrize(
    ("others", "problem"),
    [
        (
            {"prometheus_port": 9090, "grafana_port": 9090},
            "prometheus_port and grafana_port are both 9090",
        ),
        (
            {"grafana_port": 8265},
            r"ray_ports\.dashboard and grafana_port are both 8265",
        ),
        ({"node_exporter_port": 10002}, "10002 is in the range of Ray's workers"),
    ],
)
def test_two_programs_with_one_port_are_refused(
    others: dict[str, int], problem: str
) -> None:
    params = {"nodes": (), "data_dir": "/d", "dashboard_host": "10.0.0.1"}
    with pytest.raises(ValidationError, match=problem):
        RayNodes.model_validate({**params, "other_ports": others})


def listed(**states: str) -> Reply:
    nodes = [
        {"node_ip": ip.replace("_", ".").removeprefix("ip"), "state": state}
        for ip, state in states.items()
    ]
    body = json.dumps({"data": {"result": {"result": nodes}}})
    return Reply(f"HTTP/1.0 200 OK\r\nContent-Type: x\r\n\r\n{body}")


NODES = RayNodes(
    nodes=(
        SimpleNamespace(name="node1", address="10.0.0.1"),
        SimpleNamespace(name="node2", address="10.0.0.2"),
    ),
    data_dir="/var/lib/provision/lab",
    dashboard_host="10.0.0.1",
)


def test_all_nodes_alive_is_no_change() -> None:
    reply = listed(ip10_0_0_1="ALIVE", ip10_0_0_2="ALIVE")
    assert NODES.plan(NODES.observe(reply)) == []
    assert NODES.plan(NODES.desired()) == []


def test_two_nodes_at_one_address_are_refused_with_their_places() -> None:
    nodes = [
        Host("a", vars={"ansible_host": "10.0.0.1"}, where="lab.yml:3"),
        Host("b", vars={"ansible_host": "10.0.0.1"}, where="lab.yml:4"),
    ]
    with pytest.raises(
        ValidationError, match=r"lab\.yml:4: b and a have the same address"
    ):
        RayNodes(nodes=nodes, data_dir="/d", dashboard_host="h")
    apart = replace(nodes[1], vars={**nodes[1].vars, "address": "10.0.0.2"})
    RayNodes(nodes=[nodes[0], apart], data_dir="/d", dashboard_host="h")


def test_a_missing_node_is_named() -> None:
    absent, dead = (
        listed(ip10_0_0_1="ALIVE"),
        listed(ip10_0_0_1="ALIVE", ip10_0_0_2="DEAD"),
    )
    for reply, before in ((absent, "(absent)"), (dead, "DEAD")):
        [change] = NODES.plan(NODES.observe(reply))
        assert str(change) == f"node2 (10.0.0.2): {before} -> ALIVE"


def test_a_node_that_died_and_came_back_is_alive() -> None:
    reply = Reply(listed(ip10_0_0_1="ALIVE", ip10_0_0_2="ALIVE").stdout)
    dead = reply.stdout.replace(
        '[{"node_ip"', '[{"node_ip": "10.0.0.2", "state": "DEAD"}, {"node_ip"'
    )
    assert NODES.plan(NODES.observe(Reply(dead))) == []


@pytest.mark.parametrize("text", ["", "HTTP/1.0 503 Service Unavailable\r\n\r\n"])
def test_a_dashboard_that_is_not_up_means_no_nodes(text: str) -> None:
    assert NODES.observe(Reply(text)) == {}


def test_a_refused_token_is_not_a_missing_node() -> None:
    with pytest.raises(ProbeError, match="refuses the token"):
        NODES.observe(Reply("HTTP/1.0 401 Unauthorized\r\n\r\nMissing token"))


def test_waiting_for_nodes_runs_nothing() -> None:
    assert NODES.apply([]) == NOTHING


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ("rayproject/ray:2.60.0-py312-cu128", (2, 60)),
        ("rayproject/ray:2.9.3", (2, 9)),
        ("registry.lan:5000/mirror/ray-ml:2.51.1", (2, 51)),
        ("rayproject/ray:2.52.0@sha256:abc", (2, 52)),
        ("rayproject/ray:nightly", None),
        ("registry.lan:5000/ray", None),
        ("registry.lan/simulation:1.2", None),
        ("lan/array:1.2", None),
    ],
)
def test_an_image_of_rays_own_name_says_its_version(image: str, found: Any) -> None:
    assert release_of(image) == found


def test_a_ray_without_tokens_is_refused_unless_authentication_is_off() -> None:
    with pytest.raises(ValidationError, match=r"older than Ray 2\.52"):
        head(image="rayproject/ray:2.51.1")
    assert head(image="rayproject/ray:2.51.1", auth=False).auth is False
    assert head(image="rayproject/ray:2.52.0").auth is True


def test_a_ray_with_a_known_vulnerability_gives_a_warning() -> None:
    [warning] = head(image="rayproject/ray:2.53.0").warnings()
    assert "CVE-2026-27482" in warning
    assert not list(head(image="rayproject/ray:2.54.0").warnings())
    assert not list(head(image="lan/simulation:1.2").warnings())


def test_with_tls_a_node_knows_where_its_certificate_is() -> None:
    spec = worker(tls=True).container().spec()
    assert spec["env.RAY_USE_TLS"] == "1"
    assert spec["env.RAY_TLS_SERVER_KEY"] == "/run/ray/tls/node.key"
    assert spec["mount./run/ray/tls"] == "/var/lib/provision/lab/tls:ro"
    assert not [name for name in worker().container().spec() if "TLS" in name]


def test_a_new_certificate_replaces_the_container() -> None:
    files = head(tls=True).container().files
    assert [file.rpartition("/")[2] for file in files] == [
        *("auth_token", "authority.crt", "node.crt", "node.key")
    ]


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ("rayproject/ray:2.60.0", "2.60.0"),
        ("rayproject/ray:2.60.0-py312-cu128", "2.60.0-py312"),
        ("registry.lan:5000/mine/ray-ml:2.60.0rc1-gpu@sha256:ab", "2.60.0rc1"),
        ("rayproject/ray:nightly", "rayproject/ray:nightly"),
        ("rayproject/ray:2.60.0.abc123", "rayproject/ray:2.60.0.abc123"),
        ("simulation:2.60.0", "simulation:2.60.0"),
        ("rayproject/ray@sha256:ab", "rayproject/ray@sha256:ab"),
    ],
)
def test_only_tags_of_rays_own_images_say_its_version(image: str, found: str) -> None:
    assert ray_version_of(image) == found


def planned(node: RayNode, reply: Reply) -> list[str]:
    return [str(change) for change in node.plan(node.observe(reply))]


@pytest.mark.parametrize("make", [head, worker])
def test_a_usable_node_that_differs_is_left_for_its_turn(make: Any) -> None:
    before, after = make(num_cpus=1), make(num_cpus=2)
    kept = make(num_cpus=2, keep_usable=True)
    assert planned(after, running(before)) == ["--num-cpus: 1 -> 2"]
    assert planned(kept, running(before)) == []
    other_tag = make(image="rayproject/ray:2.60.0-mine", keep_usable=True)
    assert planned(other_tag, running(before)) == []


@pytest.mark.parametrize("make", [head, worker])
def test_a_node_that_does_not_work_does_not_wait_for_its_turn(make: Any) -> None:
    kept = make(num_cpus=2, keep_usable=True)
    assert planned(kept, Reply()) == ["container: (absent) -> rayproject/ray:2.60.0"]
    sick = running(make(num_cpus=1), "cannot reach the head at 10.0.0.1:6379")
    assert "--num-cpus: 1 -> 2" in planned(kept, sick)
    stopped = Reply(running(make()).stdout.replace("status=running", "status=exited"))
    assert planned(make(keep_usable=True), stopped) == ["status: exited -> running"]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"image": "rayproject/ray:2.61.0"}, "Ray 2.60.0 and 2.61.0 cannot mix"),
        ({"image": "mine:1"}, "Ray 2.60.0 and mine:1 cannot mix"),
        ({"auth": False}, "nodes cannot differ in token authentication"),
        ({"head": "10.0.0.9"}, "nodes cannot differ in the head's address"),
    ],
)
def test_what_nodes_must_share_changes_on_all_at_once(
    changed: dict[str, Any], why: str
) -> None:
    restart, *rest = planned(worker(**changed, keep_usable=True), running(worker()))
    assert restart == (
        f"full_restart: (absent) -> all nodes at once, running jobs end: {why}"
    )
    assert rest and planned(worker(**changed), running(worker())) == [restart, *rest]


def test_another_image_under_a_tag_without_a_version_may_have_another_ray() -> None:
    def moved(node: RayNode) -> Reply:
        lines = running(node).stdout.replace("image_now=sha256:1", "image_now=sha256:2")
        return Reply(lines)

    unknown = worker(image="rayproject/ray:latest", keep_usable=True)
    assert "may have another Ray" in planned(unknown, moved(unknown))[0]
    known = worker(image="mine:1", ray_version="2.60.0", keep_usable=True)
    assert planned(known, moved(known)) == []


def test_a_worker_is_drained_unless_all_go_at_once() -> None:
    node = worker(num_cpus=2)
    changes = node.plan(node.observe(running(worker(num_cpus=1))))
    sh = node.apply(changes)
    assert sh.params["drain_s"] == "300" and "ray drain-node" in sh.text
    other = worker(image="rayproject/ray:2.61.0")
    assert other.apply(other.plan(other.observe(running(worker())))).params[
        "drain_s"
    ] == ("0")
    assert head(num_cpus=2).apply(NEW).params["drain_s"] == "0"


def test_only_another_ray_starts_with_empty_tables() -> None:
    def wipe(**changed: Any) -> str:
        node = head(**changed)
        sh = node.apply(node.plan(node.observe(running(head()))))
        assert sh.params["tables"] == "/var/lib/provision/lab/gcs"
        return sh.params["wipe"]

    assert wipe(image="rayproject/ray:2.61.0") == "yes"
    assert wipe(num_cpus=3) == wipe(auth=False) == ""
    other, before = worker(image="rayproject/ray:2.61.0"), running(worker())
    assert other.apply(other.plan(other.observe(before))).params["wipe"] == ""


def test_the_run_is_kept_on_the_container_and_is_no_difference() -> None:
    node = worker(run="2026-11-25T11:00:00Z")
    assert "--label=provision.run=2026-11-25T11:00:00Z" in node.apply(NEW).args
    assert planned(node, running(worker(run="before"))) == []


def test_the_time_limit_must_leave_time_to_drain() -> None:
    with pytest.raises(ValidationError, match="timeout_s must leave 120 s after"):
        worker(drain_s=1000)
    worker(drain_s=1000, timeout_s=1120)
