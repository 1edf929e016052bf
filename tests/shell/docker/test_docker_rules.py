"""Docker's rules are removed from a kernel's tables, and nobody else's."""

from __future__ import annotations

from namespace import NEEDS_NAMESPACE, in_namespace
from shells import NOT_BUSYBOX

from provision.model.shell_file import read_shell
from provision.steps.docker.engine import engine_absent

pytestmark = NEEDS_NAMESPACE
DOCKERS = """
iptables -t nat -N DOCKER
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
iptables -t nat -A DOCKER -i docker0 -j RETURN
for chain in DOCKER DOCKER-USER DOCKER-ISOLATION-STAGE-1; do iptables -N $chain; done
iptables -A FORWARD -j DOCKER-USER
iptables -A FORWARD -j DOCKER-ISOLATION-STAGE-1
iptables -A FORWARD -o docker0 -j DOCKER
iptables -A FORWARD -i docker0 ! -o docker0 -j ACCEPT
iptables -A FORWARD -o br-0123456789ab -j ACCEPT
iptables -A DOCKER-USER -j RETURN
iptables -A DOCKER-ISOLATION-STAGE-1 -i docker0 -j RETURN
ip6tables -N DOCKER-USER
ip6tables -A FORWARD -j DOCKER-USER
"""
THEIRS = """
iptables -A INPUT -s 10.0.0.0/8 -m comment --comment "docker registry" -j ACCEPT
iptables -A INPUT -i docker0 -p udp --dport 53 -j ACCEPT
iptables -A FORWARD -i br-lan -j ACCEPT
iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE
"""
RULES = read_shell(engine_absent.__file__, "remove_rules.sh") + "remove_rules"
SAVED = "iptables-save; ip6tables-save"


def tables(shell: tuple[str, ...], *scripts: str) -> str:
    """Return the tables after *scripts*, in a network namespace of their own."""
    script = "\n".join(["set -eu", *scripts, SAVED])
    done = in_namespace(shell, script)
    done.check_returncode()
    assert "stay" not in done.stdout, done.stderr
    return done.stdout


def rules(shell: tuple[str, ...], *scripts: str) -> list[str]:
    """The rules among them."""
    found = tables(shell, *scripts).splitlines()
    return [line for line in found if line.startswith("-A")]


@NOT_BUSYBOX
def test_what_docker_made_goes_and_the_rest_stays(shell: tuple[str, ...]) -> None:
    theirs = rules(shell, THEIRS)
    assert len(theirs) == 4
    assert len(rules(shell, DOCKERS, THEIRS)) > 12
    assert rules(shell, DOCKERS, THEIRS, RULES) == theirs
    assert rules(shell, THEIRS, RULES) == theirs


@NOT_BUSYBOX
def test_no_chain_of_docker_is_left(shell: tuple[str, ...]) -> None:
    left = tables(shell, DOCKERS, RULES)
    assert ":FORWARD" in left and "DOCKER" not in left
