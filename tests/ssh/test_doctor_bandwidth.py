"""`doctor --bandwidth` over a real sshd: transfers over loopback, and their baseline."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
import yaml
from conftest import Sshd
from support.printed.schemas import check
from support.two_hosts import Hosts, hosts_of

NAMES = (
    "head node_manager object_manager runtime_env_agent agent_grpc agent metrics "
    "autoscaler_metrics dashboard_metrics dashboard client workers_min workers_max"
)
FIRST = 23001
"""The first of Ray's ports here: nobody else's tests use these."""
PORTS = {name: FIRST + number for number, name in enumerate(NAMES.split())}


@pytest.fixture
def hosts(sshd: Sshd, tmp_path: Path) -> Hosts:
    """Two hosts that are this machine, by two of its addresses."""
    made = hosts_of(tmp_path / "c", sshd.port, sshd.key_file, sshd.public("ed25519"))
    path = made.folder / "lab.yml"
    data = yaml.safe_load(path.read_text())
    data["all"]["vars"] |= {
        "ray_ports": PORTS,
        "data_dir": "/var/lib/no-ray-here",
        # No name of the outside is asked for: without a network that takes long.
        "ray_image": "127.0.0.1:9/ray:2.60.0",
        "metrics": False,
    }
    groups = data["all"]["children"]
    groups["head"]["hosts"]["node1"]["address"] = "127.0.0.1"
    groups["workers"]["hosts"] = {"node2": {"address": "127.0.0.2"}}
    path.write_text(yaml.safe_dump(data))
    return made


@pytest.mark.slow
def test_a_measurement_is_compared_with_the_baseline_and_kept(hosts: Hosts) -> None:
    """Of one pair there is a baseline, which is out of reach; of the other there is none."""
    file = hosts.folder / ".provision/c/bandwidth.json"
    file.parent.mkdir(parents=True)
    before = {"from": "node1", "to": "node2", "address": "127.0.0.2", "gbit_s": 9e9}
    file.write_text(json.dumps({"pairs": [before]}))
    done = hosts.run("doctor", "--bandwidth", "--json")
    assert done.returncode in (0, 2), done  # what it finds of this machine is its own
    found = json.loads(done.stdout)
    check("doctor", found)
    slow = [one for one in found["warnings"] if one["id"].startswith("bandwidth")]
    [one] = [one for one in slow if one["id"] == "bandwidth-below-baseline"]
    assert one["seen"].startswith("node1 -> node2 has ")
    assert f"remove {file}" in one["remedy"]
    measured = found["bandwidth"]
    made = {(one["from"], one["to"]): one for one in measured["transfers"]}
    assert all(one["gbit_s"] > 0 and one["why"] == "" for one in made.values()), made
    assert (measured["pairs"], measured["sampled"]) == (2, False)
    assert measured["baseline"] == str(file)
    for port in PORTS.values():
        with socket.socket() as gone:
            assert gone.connect_ex(("127.0.0.1", port)) != 0, "a receiver is left"
    kept, new = json.loads(file.read_text())["pairs"]
    assert kept == before, "a slow one does not take the place of a better one"
    assert (new["from"], new["to"], new["address"]) == ("node2", "node1", "127.0.0.1")
    assert new["gbit_s"] == made["node2", "node1"]["gbit_s"]


def test_a_file_that_is_no_baseline_is_refused_before_a_host_is_asked(
    hosts: Hosts,
) -> None:
    file = hosts.folder / ".provision/c/bandwidth.json"
    file.parent.mkdir(parents=True)
    file.write_text("{")
    code, shown = hosts("doctor", "--bandwidth", "--set", "ansible_port=1")
    [line] = shown.splitlines()
    assert (code, line.startswith("error: ")) == (5, True), shown
    assert "bandwidth.json is not a baseline" in line and "remove it" in line
