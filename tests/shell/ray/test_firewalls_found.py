"""Firewalls that close a node's ports, found after a failure.

iptables is real, in a network namespace of each test. ufw, firewall-cmd and nft are
stand-ins with the output of ufw 0.36.2, firewalld 1.3 and nftables 1.0.6.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from namespace import NEEDS_NAMESPACE, in_namespace
from shells import EACH_SHELL
from support.ray_nodes import head, worker

from provision.ray.steps.node.base import RayNode
from provision.ray.steps.node.ports import Ports
from provision.ray.steps.nodes import RayNodes

Shell = tuple[str, ...]
PORTS = "6380:6385,10002:19999"
UFW = "echo 'Status: active'; echo; echo 'To     Action  From'"
FIREWALLD = "echo running"
NFT = """cat <<'END'
table inet filter {
	chain input {
		type filter hook input priority filter; policy %s;
		iif "lo" accept
		ct state established,related accept
		ct state invalid drop
		ip saddr @banned drop
		tcp dport 22 accept
		%s
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
		drop
	}
}
END"""
DROP_PORTS = "-A INPUT -p tcp --dport 1024:65535 -j DROP"
OURS = """iptables -N PROVISION-lab; iptables -I INPUT -j PROVISION-lab
iptables -A PROVISION-lab -p tcp --dport 6379 -j REJECT"""


def evidence(
    shell: Shell,
    folder: Path,
    node: RayNode | RayNodes,
    rules: str = "",
    **programs: str,
) -> str:
    """Return the evidence of *node* on a host with these firewalls."""
    for name, text in {"ufw": "exit 1", "docker": "exit 1", **programs}.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    sh = node.evidence()
    assert sh is not None
    setup = f"PATH={folder}:$PATH; ip link set lo up; {rules}"
    done = in_namespace(shell, f"{setup}\n( set -u\n{sh.render()}\n) </dev/null")
    assert done.returncode == 0, done.stderr
    return done.stdout


pytestmark = NEEDS_NAMESPACE
FIREWALLS = {
    "ufw": ({"ufw": UFW}, "", f"ufw allow proto tcp from 10.0.0.1 to any port {PORTS}"),
    "firewalld": (
        {"firewall-cmd": FIREWALLD},
        "",
        "firewall-cmd --permanent --zone=trusted --add-source=10.0.0.1",
    ),
    "iptables": (
        {},
        "iptables -P INPUT DROP",
        f"iptables -I INPUT -s 10.0.0.1 -p tcp -m multiport --dports {PORTS} -j ACCEPT",
    ),
    "iptables, by a rule": (
        {},
        f"iptables {DROP_PORTS}",
        f"--dports {PORTS} -j ACCEPT",
    ),
    "nftables": (
        {"nft": NFT % ("drop", "")},
        "",
        "nft insert rule inet filter input ip saddr 10.0.0.1 tcp dport "
        "'{ 6380-6385, 10002-19999 }' accept",
    ),
    "nftables, by a rule": (
        {"nft": NFT % ("accept", "counter packets 0 bytes 0 reject")},
        "",
        "nft insert rule inet filter input",
    ),
}


@EACH_SHELL
@pytest.mark.parametrize("case", FIREWALLS)
def test_the_firewall_is_named_with_the_ports_and_the_command(
    shell: Shell, tmp_path: Path, case: str
) -> None:
    programs, rules, command = FIREWALLS[case]
    name = case.partition(",")[0]
    shown = evidence(shell, tmp_path, worker(), rules, **programs)
    assert f"firewall of this host: {name}" in shown
    problem = f"it still differs: restarts: 4 -> 0\n{shown}"
    advice = worker().advice(problem)
    assert f"{name} is active on this host" in advice
    assert PORTS in advice
    assert command in advice


@EACH_SHELL
@pytest.mark.parametrize(
    ("programs", "rules"),
    [
        ({}, ""),
        ({"ufw": "echo 'Status: inactive'"}, ""),
        ({"firewall-cmd": "echo 'not running'; exit 252"}, ""),
        ({}, OURS),
        ({}, "iptables -A INPUT -s 192.0.2.7 -j DROP"),
        ({}, "iptables -A INPUT -m conntrack --ctstate INVALID -j DROP"),
        ({}, "iptables -P FORWARD DROP"),
        ({"nft": NFT % ("accept", "")}, ""),
    ],
)
def test_one_that_closes_no_port_of_the_host_is_not_named(
    shell: Shell, tmp_path: Path, programs: dict[str, str], rules: str
) -> None:
    shown = evidence(shell, tmp_path, worker(), rules, **programs)
    assert "firewall of this host" not in shown
    assert "active on this host" not in worker().advice(f"restarts: 4 -> 0\n{shown}")


@pytest.mark.parametrize("case", [c for c in FIREWALLS if c.startswith("iptables")])
def test_the_command_for_iptables_is_one_that_it_takes(case: str) -> None:
    _, rules, _ = FIREWALLS[case]
    problem = "restarts: 4 -> 0\nfirewall of this host: iptables"
    for node in (worker(), worker(head="fd00::1")):
        command = node.advice(problem).split("`")[1]
        done = in_namespace(("sh", "-eu"), f"{rules}\n{command}")
        assert done.returncode == 0, done.stderr


def test_a_head_is_not_blamed_on_its_own_firewall() -> None:
    problem = "its process has ended 3 times\nfirewall of this host: ufw"
    assert "ufw" not in head().advice(problem)


def test_a_failure_that_no_firewall_causes_is_not_blamed_on_one() -> None:
    problem = "No such image\nfirewall of this host: ufw"
    assert "docker_image" in worker().advice(problem)


NO_HEAD = (
    "it still differs: health: cannot reach the head at 127.0.0.1:6379 -> healthy\n"
)


@EACH_SHELL
@pytest.mark.parametrize(
    ("rules", "came_of_it", "advice"),
    [
        ("", "refused", "see that the head runs and no firewall closes"),
        (
            "iptables -A OUTPUT -p tcp --dport 6379 -j DROP",
            "no answer",
            "ufw allow proto tcp from 10.0.0.2 to any port 6379:6387,8265,",
        ),
        (
            "iptables -A OUTPUT -p tcp --dport 6379 -j REJECT "
            "--reject-with icmp-host-prohibited",
            "No route to host",
            "a firewall of 127.0.0.1 or on the way drops it",
        ),
    ],
)
def test_a_head_that_does_not_answer_is_told_from_one_that_refuses(
    shell: Shell, tmp_path: Path, rules: str, came_of_it: str, advice: str
) -> None:
    node = worker(head="127.0.0.1")
    shown = evidence(shell, tmp_path, node, rules)
    assert f"connection to the head at 127.0.0.1:6379: {came_of_it}\n" in shown
    assert advice in node.advice(NO_HEAD + shown)


def nodes(*addresses: str) -> RayNodes:
    hosts = [{"name": address, "address": address} for address in addresses]
    return RayNodes(nodes=hosts, data_dir="/srv/ray", dashboard_host="127.0.0.1")


@EACH_SHELL
def test_the_head_says_which_nodes_it_does_not_reach(
    shell: Shell, tmp_path: Path
) -> None:
    step = nodes("127.0.0.1", "127.0.0.2", "127.0.0.3")
    rules = "iptables -A OUTPUT -d 127.0.0.3 -j DROP"
    listens = (
        "bash -c 'exec python3 -m http.server 6380 --bind 127.0.0.1' >/dev/null 2>&1 &"
        "server=$!; trap 'kill $server' EXIT; "
        "bash -c 'for n in {1..300}; do (exec 3<>/dev/tcp/127.0.0.1/6380) 2>/dev/null && exit; "
        "sleep 0.1; done'"
    )
    shown = evidence(shell, tmp_path, step, f"{rules}; {listens}", ufw=UFW)
    assert "127.0.0.1:6380" not in shown
    assert "connection to 127.0.0.2:6380: refused\n" in shown
    assert "connection to 127.0.0.3:6380: no answer\n" in shown
    advice = step.advice(f"it still differs: DEAD -> ALIVE\n{shown}")
    # Nothing listens at 127.0.0.2, and its log says why.
    assert "a firewall of 127.0.0.3 or on the way drops it" in advice
    each = "ufw allow proto tcp from 127.0.0.{} to any port " + PORTS
    assert f"`{each.format(1)} && {each.format(2)}`" in advice
    assert "ufw is active on this host" in advice


def test_many_nodes_are_asked_and_none_is_left_out(tmp_path: Path) -> None:
    addresses = [f"127.0.{n // 250}.{n % 250 + 1}" for n in range(120)]
    shown = evidence(("sh",), tmp_path, nodes(*addresses))
    assert len(shown.splitlines()) == len(addresses)


def test_ports_of_a_cluster_are_those_that_are_named() -> None:
    own = worker(ports=Ports(node_manager=7000, workers_min=30000, workers_max=30100))
    advice = own.advice("restarts: 3 -> 0\nfirewall of this host: ufw")
    assert "6381:6385,7000,30000:30100" in advice
