"""Ray over TLS: the nodes trust each other, and nobody else gets a word in."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.lab.commands import INVENTORY, ROOT, invoke, invoke_with_report
from support.lab.secret_traces import FILES, root_shell

from provision.config.inventory import Host
from provision.secrets import signing

HOSTS = {f"node{n}": f"172.30.77.1{n}" for n in (1, 2, 3)}
KEPT = ROOT / "inventories/.provision/lab/tls"
DEPLOY = ("deploy", "--inventory", INVENTORY, "--set", "ray_tls=true")
STARTED = "docker inspect --format '{{.State.StartedAt}}' ray-lab"
NODES = """
import ray
ray.init(address='172.30.77.11:6379', log_to_driver=False)
print('ALIVE', *sorted(n['NodeManagerAddress'] for n in ray.nodes() if n['Alive']))
"""
ASK = """
import grpc, os, sys
target = "172.30.77.11:6379"
read = lambda name: open(os.environ[name], "rb").read()
channel = grpc.insecure_channel(target)
if sys.argv[1] == "tls":
    names = ("RAY_TLS_CA_CERT", "RAY_TLS_SERVER_KEY", "RAY_TLS_SERVER_CERT")
    keys = grpc.ssl_channel_credentials(*map(read, names))
    channel = grpc.secure_channel(target, keys)
call = channel.unary_unary("/ray.rpc.InternalKVGcsService/GetInternalConfig")
token = read("RAY_AUTH_TOKEN_PATH").decode().strip()
try:
    call(b"", timeout=10, metadata=[("authorization", f"Bearer {token}")])
    print("OK")
except grpc.RpcError as error:
    print(error.code().name)
"""
"""Asks the GCS, with the token, in plain text or over TLS."""

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture(scope="module", autouse=True)
def deployed(running_lab: object) -> Iterator[None]:
    """A cluster with TLS; afterwards one without."""
    invoke(*DEPLOY).expect_exit(0)
    yield
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)


def pair(name: str) -> signing.Pair:
    data = (KEPT / f"{name}.pem").read_bytes()
    key = serialization.load_pem_private_key(data, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return signing.Pair(x509.load_pem_x509_certificate(data), key)


def seen_by(host: str) -> str:
    """Return the output of a Python program in the container of *host* about the cluster."""
    run = "timeout 60 docker exec -i ray-lab python - 2>&1 || true"
    return root_shell(host, run, stdin=NODES)


def test_all_nodes_join_and_work() -> None:
    for host in HOSTS:
        assert " ".join(["ALIVE", *HOSTS.values()]) in seen_by(host)
    assert (
        "[0, 1, 4, 9]"
        in invoke("smoke", "--inventory", INVENTORY).expect_exit(0).output
    )


def test_a_second_deploy_changes_nothing(tmp_path: Path) -> None:
    done, found = invoke_with_report(*DEPLOY, report=tmp_path / "report.json")
    done.expect_exit(0)
    seen = {(h["changed"], h["round_trips"]) for h in found["hosts"].values()}
    assert seen == {(0, 1)}


def test_a_client_that_talks_plain_text_is_refused_although_it_has_the_token() -> None:
    assert (
        root_shell("node2", f"docker exec -i ray-lab python -c '{ASK}' plain")
        == "UNAVAILABLE\n"
    )
    assert (
        root_shell("node2", f"docker exec -i ray-lab python -c '{ASK}' tls") == "OK\n"
    )
    root_shell("node2", "! timeout 15 docker exec -e RAY_USE_TLS=0 ray-lab ray status")


def answer(address: str, port: int, context: ssl.SSLContext) -> bytes:
    """The first bytes of a gRPC server that the host's own certificate names."""
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection((address, port), 10) as link,
        context.wrap_socket(link, server_hostname=address) as safe,
    ):
        try:
            safe.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
            return safe.recv(9)
        except (ssl.SSLError, ConnectionError):
            return b""


@pytest.mark.parametrize(
    ("host", "port"),
    [("node1", 6379), ("node1", 6380), ("node2", 6380), ("node3", 6381)],
)
def test_each_port_shows_its_hosts_certificate_and_wants_one(
    host: str, port: int, tmp_path: Path
) -> None:
    authority = tmp_path / "authority"
    authority.write_text(pair("authority").pem())
    context = ssl.create_default_context(cafile=str(authority))
    assert answer(HOSTS[host], port, context) == b"", "no certificate, no answer"
    context.load_cert_chain(KEPT / "host-node3.pem")
    assert len(answer(HOSTS[host], port, context)) == 9


@pytest.mark.parametrize("host", HOSTS)
def test_keys_lie_only_where_documented(host: str) -> None:
    lines = [line for n in HOSTS for line in pair(f"host-{n}").key_pem().split("\n")]
    keys = "\n".join(line for line in lines[1:] if line and "-----" not in line)
    assert (
        root_shell(host, FILES, stdin=keys)
        == "/var/lib/provision-lab/tls/node.key 400 1000\n"
    )
    assert {f.stat().st_mode & 0o777 for f in KEPT.iterdir()} == {0o600}


def test_a_certificate_near_its_end_is_renewed_and_only_its_host_restarts() -> None:
    before = {host: root_shell(host, STARTED) for host in HOSTS}
    old = datetime.now(UTC) - timedelta(days=signing.HOST_DAYS - 20)
    node3 = Host(name="node3", vars={"address": HOSTS["node3"]})
    made = signing.issue(node3, pair("authority"), old)
    (KEPT / "host-node3.pem").write_text(made.key_pem() + made.pem())
    plan = invoke("plan", *DEPLOY[1:]).expect_exit(3)
    assert "the certificate of node3 ends" in plan.output
    invoke(*DEPLOY).expect_exit(0)
    after = {host: root_shell(host, STARTED) for host in HOSTS}
    assert [host for host in HOSTS if after[host] != before[host]] == ["node3"]
    assert pair("host-node3").end > datetime.now(UTC) + timedelta(days=300)
    assert " ".join(["ALIVE", *HOSTS.values()]) in seen_by("node3")
