"""Ports that answer a machine that is no member of the cluster."""

from __future__ import annotations

import json
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from support.lab.commands import INVENTORY, invoke
from support.lab.open_ports import open_ports, table
from support.lab.secret_traces import root_shell

from provision.ray.steps.node.ports import Ports

HOSTS = {f"node{n}": f"172.30.77.1{n}" for n in (1, 2, 3)}
TABLE = table()
CALL = """
import grpc, json, sys
codes = {}
for target, method in json.load(sys.stdin):
    channel = grpc.insecure_channel(target)
    try:
        call = channel.unary_unary(method)
        call(b'', timeout=10)
        codes[target] = 'OK'
    except grpc.RpcError as error:
        codes[target] = error.code().name
print(json.dumps(codes))
"""
METHODS = {
    6379: "/ray.rpc.InternalKVGcsService/GetInternalConfig",
    6380: "/ray.rpc.NodeManagerService/GetSystemConfig",
    6381: "/ray.rpc.ObjectManagerService/Pull",
    6383: "/ray.rpc.LogService/ListLogs",
    10001: "/ray.rpc.RayletDriver/ClusterInfo",
}
"""A method of each gRPC port that would answer whoever it trusts."""
WEB = {
    3000: ["/api/datasources", "/api/search"],
    6382: ["/get_runtime_envs_info"],
    6384: ["/api/job_agent/jobs/x/logs", "/api/job_agent/jobs/"],
    8265: ["/api/v0/nodes", "/api/jobs/", "/api/cluster_status", "/logs/"],
}
"""Paths of each web server that are not for everybody."""
HEALTH = {
    3000: "/api/health",
    6384: "/api/healthz",
    8265: "/api/gcs_healthz",
    9090: "/-/ready",
}
OPEN = {6385: "/metrics", 6386: "/metrics", 6387: "/metrics", 9100: "/metrics"}
CLOSED_DOORS = {9090: ["/-/quit", "/-/reload", "/api/v1/admin/tsdb/snapshot"]}
"""Paths that would change something: switched off in Prometheus unless asked for."""

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]


@pytest.fixture(scope="module", autouse=True)
def deployed(running_lab: object) -> None:
    """A cluster; one that is there already is taken as it is."""
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)


def answer(url: str, method: str = "GET") -> tuple[int, str]:
    """The code and the text that a web server answers a stranger with."""
    try:
        with urlopen(Request(url, method=method), timeout=10) as got:
            return int(got.status), got.read().decode(errors="replace")
    except HTTPError as error:
        with error:
            return error.code, error.read().decode(errors="replace")


def code(url: str, method: str = "GET") -> int:
    return answer(url, method)[0]


def test_the_page_has_each_port_that_is_given_to_ray() -> None:
    ports = Ports()
    rows = {(row.first, row.on) for row in TABLE}
    alls = {(port, "all") for port in ports.of_worker()}
    heads = {(port, "head") for port in {*ports.of_head()} - {*ports.of_worker()}}
    assert alls | heads <= rows
    [workers] = [row for row in TABLE if row.first != row.last]
    assert (workers.first, workers.last) == (ports.workers_min, ports.workers_max)


def test_a_stranger_finds_open_what_the_page_says_and_nothing_else() -> None:
    found = open_ports(list(HOSTS.values()))
    for host, address in HOSTS.items():
        rows = [row for row in TABLE if row.is_on(host)]
        allowed = {p for row in rows for p in range(row.first, row.last + 1)}
        assert found[address] <= allowed, host
        assert {row.first for row in rows if row.first == row.last} <= found[address]


@pytest.mark.parametrize("host", HOSTS)
def test_each_program_listens_on_the_address_that_the_page_says(host: str) -> None:
    lines = root_shell(host, "ss -Hltn | awk '{print $4}'").split()
    local = ("127.", "[::1]")
    reachable = [line for line in lines if not line.startswith(local)]
    by_port: dict[int, set[str]] = {}
    for line in reachable:
        address, _, port = line.rpartition(":")
        by_port.setdefault(int(port), set()).add(address)
    every = {"0.0.0.0", "*", "[::]"}
    for row in TABLE:
        if row.is_on(host) and row.first == row.last:
            found = by_port[row.first]
            allowed = every if row.listens == "every address" else {HOSTS[host]}
            assert found <= allowed, row


def test_docker_listens_on_no_network() -> None:
    for host in HOSTS:
        assert "dockerd" not in root_shell(host, "ss -Hltnp")


def refused(url: str) -> bool:
    """Return True if *url* is refused without credentials, with GET and POST."""
    codes = {code(url), code(url, "POST")}
    # 405: not with this method, which says nothing.
    return bool(codes & {401, 403}) and codes <= {401, 403, 404, 405}


def test_every_web_server_refuses_who_shows_no_token_or_password() -> None:
    for port, paths in WEB.items():
        for host, address in HOSTS.items():
            if any(row.is_on(host) for row in TABLE if row.first == port):
                for path in paths:
                    url = f"http://{address}:{port}{path}"
                    assert refused(url), url


def test_every_grpc_server_refuses_who_shows_no_token() -> None:
    calls = [
        (f"{address}:{port}", method)
        for port, method in METHODS.items()
        for host, address in HOSTS.items()
        if any(row.is_on(host) for row in TABLE if row.first == port)
    ]
    quoted = CALL.replace('"', '\\"')
    printed = root_shell(
        "node2",
        f'docker exec -i ray-lab python -c "{quoted}"',
        stdin=json.dumps(calls),
    )
    assert json.loads(printed) == dict.fromkeys(
        (c[0] for c in calls), "UNAUTHENTICATED"
    )


def test_what_the_page_lets_everybody_see_can_be_seen_and_not_changed() -> None:
    head = HOSTS["node1"]
    for port, path in {**HEALTH, **OPEN}.items():
        assert code(f"http://{head}:{port}{path}") == 200, port
    for port, paths in CLOSED_DOORS.items():
        for path in paths:
            found, printed = answer(f"http://{head}:{port}{path}", "POST")
            assert found >= 400 and (
                "disabled" in printed or "not enabled" in printed
            ), printed


def test_each_row_of_the_page_was_tried() -> None:
    tried: dict[str, set[int]] = {
        "token": {*METHODS, *WEB} - {3000},
        "password": {3000},
        "everybody": {*OPEN, 9090},
    }
    for row in TABLE:
        if row.first == row.last and row.first != 22:
            assert row.first in tried[row.who.split()[0].rstrip(",;")], row


JOB = """
import ray, time
ray.init(address='auto', log_to_driver=False)
@ray.remote(num_cpus=0, scheduling_strategy='SPREAD')
class Busy:
    def here(self):
        return True
busy = [Busy.remote() for _ in range(6)]
ray.get([one.here.remote() for one in busy])
print('ready', flush=True)
time.sleep(60)
"""


@pytest.mark.long
def test_workers_listen_in_their_range_and_refuse_who_shows_no_token() -> None:
    root_shell("node1", f'docker exec -d ray-lab timeout 60 python -c "{JOB}"')
    [row] = [row for row in TABLE if row.first != row.last]
    deadline = time.monotonic() + 40
    calls: list[tuple[str, str]] = []
    while len(calls) < 7:
        assert time.monotonic() < deadline, calls
        time.sleep(1)
        calls = [
            (f"{address}:{port}", "/ray.rpc.CoreWorkerService/GetCoreWorkerStats")
            for host, address in HOSTS.items()
            for port in listening(host)
            if row.first <= port <= row.last
        ]
    quoted = CALL.replace('"', '\\"')
    run = f'docker exec -i ray-lab python -c "{quoted}"'
    printed = root_shell("node2", run, stdin=json.dumps(calls))
    assert set(json.loads(printed).values()) == {"UNAUTHENTICATED"}, printed


def listening(host: str) -> set[int]:
    """The ports of *host* that can be reached from elsewhere."""
    lines = root_shell(host, "ss -Hltn | awk '{print $4}'").split()
    places = (line.rpartition(":") for line in lines if not line.startswith("127."))
    return {int(port) for *_, port in places}
