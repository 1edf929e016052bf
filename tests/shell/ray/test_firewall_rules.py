"""The rules of a firewall in a real kernel, in a network namespace of each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from namespace import NEEDS_NAMESPACE, in_namespace
from shells import NOT_BUSYBOX

from provision.model.shell import Reply
from provision.ray.steps.firewall.firewall import LOAD, RayFirewall, RayFirewallAbsent

FIREWALL = RayFirewall(
    cluster="test-shell",
    hosts=[{"name": "a", "address": "10.0.0.1"}, {"name": "b", "address": "fd00::1"}],
    allow=["192.168.7.9/24", "10.0.0.1"],
    other_ports=range(20000, 20060, 2),
)
ABSENT = RayFirewallAbsent(cluster="test-shell")
pytestmark = NEEDS_NAMESPACE


def run(shell: tuple[str, ...], folder: Path, *scripts: str) -> Reply:
    """Return what *scripts* print, in one network namespace of their own."""
    script = "\n".join([f"cd '{folder}'", *(f"( {text}\n)" for text in scripts)])
    done = in_namespace(shell, script)
    return Reply(done.stdout, done.stderr, done.returncode)


@pytest.fixture
def load(tmp_path: Path) -> str:
    """The script that a host runs at boot, with the rules beside it."""
    params = FIREWALL.apply(FIREWALL.plan({})).params
    (tmp_path / "load").write_text(LOAD)
    for tables in ("iptables", "ip6tables"):
        (tmp_path / tables).write_text(params[tables])
    return f"sh {tmp_path}/load"


@NOT_BUSYBOX
def test_what_is_loaded_is_what_is_desired(
    shell: tuple[str, ...], load: str, tmp_path: Path
) -> None:
    reply = run(shell, tmp_path, load, load, FIREWALL.probe().render())
    assert (reply.exit, reply.stderr) == (0, "")
    left = FIREWALL.plan(FIREWALL.observe(reply))
    assert [change.field for change in left] == ["files", "boot"], "no file was written"


@NOT_BUSYBOX
def test_the_chain_is_used_once_and_first_and_others_stay(
    shell: tuple[str, ...], load: str, tmp_path: Path
) -> None:
    theirs = "iptables -A INPUT -p tcp --dport 8265 -j ACCEPT; iptables -N THEIRS"
    listed = run(shell, tmp_path, theirs, load, load, "iptables -S").stdout.splitlines()
    assert [line for line in listed if "PROVISION-test-shell -" not in line] == [
        *("-P INPUT ACCEPT", "-P FORWARD ACCEPT", "-P OUTPUT ACCEPT"),
        *("-N PROVISION-test-shell", "-N THEIRS"),
        "-A INPUT -j PROVISION-test-shell",
        "-A INPUT -p tcp -m tcp --dport 8265 -j ACCEPT",
    ]


@NOT_BUSYBOX
def test_rules_before_the_chain_are_a_difference_and_come_after_it(
    shell: tuple[str, ...], load: str, tmp_path: Path
) -> None:
    theirs = "iptables -I INPUT 1 -p tcp --dport 8265 -j ACCEPT"
    probe = FIREWALL.probe().render()
    late = FIREWALL.observe(run(shell, tmp_path, load, theirs, probe))
    assert late["iptables.input"] == "not first"
    assert late["ip6tables.input"] == "first"
    script = (load, theirs, load, "iptables -S INPUT")
    assert run(shell, tmp_path, *script).stdout.splitlines() == [
        "-P INPUT ACCEPT",
        "-A INPUT -j PROVISION-test-shell",
        "-A INPUT -p tcp -m tcp --dport 8265 -j ACCEPT",
    ]


@NOT_BUSYBOX
def test_chains_of_two_clusters_do_not_compete_for_the_first_place(
    shell: tuple[str, ...], load: str, tmp_path: Path
) -> None:
    other = "iptables -N PROVISION-other; iptables -I INPUT 1 -j PROVISION-other"
    seen = FIREWALL.observe(
        run(shell, tmp_path, load, other, FIREWALL.probe().render())
    )
    assert seen["iptables.input"] == "first"


@NOT_BUSYBOX
def test_opened_again_nothing_of_ours_is_left(
    shell: tuple[str, ...], load: str, tmp_path: Path
) -> None:
    away = ABSENT.apply([]).render()
    probe = ABSENT.probe().render()
    reply = run(shell, tmp_path, load, f"set -eu\n{away}", f"set -eu\n{away}", probe)
    assert (reply.exit, reply.stderr) == (0, "")
    assert ABSENT.observe(reply) == {}
    full = ABSENT.observe(run(shell, tmp_path, load, probe))
    assert {"iptables", "ip6tables"} < full.keys()
