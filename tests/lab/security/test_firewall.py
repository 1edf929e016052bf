"""A firewall on real hosts: who is no member gets in nowhere but at SSH."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.lab.commands import INVENTORY, invoke, invoke_with_report
from support.lab.open_ports import open_ports
from support.lab.secret_traces import root_shell

from provision import lab

HOSTS = {f"node{n}": f"172.30.77.1{n}" for n in (1, 2, 3)}
DEPLOY = ("deploy", "--inventory", INVENTORY, "--set", "firewall=true")
OTHERS = """
for tables in iptables 'iptables -t nat' ip6tables; do
    $tables -S | grep -v -e PROVISION -e ' 127.0.0.11'
done
"""
"""But those that the lab's own engine makes anew at each boot, for its DNS."""
OURS = r"""
iptables -S | grep PROVISION; ip6tables -S | grep PROVISION
ls -d /etc/provision/firewall /etc/systemd/system/*firewall* \
    /etc/systemd/system/*/*provision-firewall* 2>/dev/null
true
"""

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(900)]


def others() -> dict[str, str]:
    """All rules that are not ours, without counters."""
    return {host: root_shell(host, OTHERS) for host in HOSTS}


@pytest.fixture(scope="module")
def before(running_lab: object) -> dict[str, str]:
    """The rules of a cluster without a firewall."""
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)
    return others()


@pytest.fixture(scope="module", autouse=True)
def closed(before: dict[str, str]) -> Iterator[None]:
    invoke(*DEPLOY).expect_exit(0)
    yield
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)


def strangers_find() -> dict[str, set[int]]:
    return open_ports(list(HOSTS.values()))


def test_a_stranger_finds_only_ssh() -> None:
    assert strangers_find() == {address: {22} for address in HOSTS.values()}


def test_the_cluster_works_and_its_metrics_too() -> None:
    assert (
        "[0, 1, 4, 9]"
        in invoke("smoke", "--inventory", INVENTORY).expect_exit(0).output
    )
    assert "targets up" in invoke("metrics").expect_exit(0).output


def test_all_other_rules_stay_as_they_were(before: dict[str, str]) -> None:
    assert others() == before


def test_a_second_deploy_changes_nothing(tmp_path: Path) -> None:
    done, found = invoke_with_report(*DEPLOY, report=tmp_path / "report.json")
    done.expect_exit(0)
    seen = {(h["changed"], h["round_trips"]) for h in found["hosts"].values()}
    assert seen == {(0, 1)}


def test_rules_that_were_flushed_are_seen_and_put_back() -> None:
    root_shell("node2", "iptables -F PROVISION-lab; iptables -D INPUT -j PROVISION-lab")
    plan = invoke("plan", *DEPLOY[1:]).expect_exit(3)
    assert "firewall of cluster lab" in plan.output
    invoke(*DEPLOY).expect_exit(0)
    assert strangers_find()[HOSTS["node2"]] == {22}


def test_it_is_there_after_a_reboot_before_docker() -> None:
    lab.reboot("node3")
    assert "PROVISION-lab" in root_shell("node3", "iptables -S INPUT")
    assert strangers_find()[HOSTS["node3"]] == {22}


def test_an_address_that_is_allowed_gets_in() -> None:
    allow = ("--set", "firewall_allow=[172.30.77.1]", "--limit", "node1")
    invoke(*DEPLOY, *allow).expect_exit(0)
    assert strangers_find()[HOSTS["node1"]] >= {22, 6379, 8265, 9090}
    invoke(*DEPLOY).expect_exit(0)


def test_ports_that_sshd_has_are_not_closed() -> None:
    other = ("--set", "ray_ports={workers_min: 10002, workers_max: 29999}")
    root_shell("node2", "echo 'Port 22\nPort 20022' >/etc/ssh/sshd_config.d/two.conf")
    root_shell("node2", "systemctl restart ssh")
    try:
        done = invoke(*DEPLOY, *other, "--limit", "node2").expect_exit(2)
        assert "sshd listens on port 20022, which would be closed" in done.output
    finally:
        root_shell("node2", "rm /etc/ssh/sshd_config.d/two.conf; systemctl restart ssh")


def test_switched_off_nothing_of_it_is_left(before: dict[str, str]) -> None:
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)
    assert {host: root_shell(host, OURS) for host in HOSTS} == dict.fromkeys(HOSTS, "")
    assert others() == before
    assert 6379 in strangers_find()[HOSTS["node1"]]


def test_a_teardown_takes_it_along() -> None:
    invoke(*DEPLOY).expect_exit(0)
    invoke("teardown", "--inventory", INVENTORY, "--yes").expect_exit(0)
    assert {host: root_shell(host, OURS) for host in HOSTS} == dict.fromkeys(HOSTS, "")
