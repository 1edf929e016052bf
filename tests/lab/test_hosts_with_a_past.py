"""A teardown leaves hosts with a past as they were; seen by plain find, dpkg and iptables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.lab.commands import INVENTORY, invoke
from support.lab.host_state import HOSTS, altered, root_shell, states

from provision import lab

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

PASTS = {
    # Configuration that outlived its package, which iptables brings again.
    "node1": """
apt-get update -q >/dev/null
apt-get install -y -q --no-install-recommends netbase >/dev/null
echo '# mine' >>/etc/rpc
apt-get remove -y -q netbase >/dev/null
""",
    # Things of the names that we use, and what belongs to Docker.
    "node2": """
mkdir -p /etc/docker/certs.d/registry
echo authority >/etc/docker/certs.d/registry/ca.crt
printf '{"debug": true}' >/etc/docker/daemon.json
groupadd -g 4444 docker
mkdir -p /opt/provision
echo mine >/opt/provision/mine
useradd --system provision-node-exporter
""",
    # A containerd that somebody uses without Docker.
    "node3": """
apt-get update -q >/dev/null
apt-get install -y -q --no-install-recommends containerd >/dev/null
systemctl start containerd
mkdir -p /var/lib/containerd/mine
echo mine >/var/lib/containerd/mine/mine
""",
}
TEARDOWN = ("teardown", "--inventory", INVENTORY, "--yes", "--level", "engine")


@pytest.fixture
def bare(running_lab: list[lab.VirtualHost]) -> Iterator[None]:
    lab.reset(HOSTS)
    yield
    lab.reset(HOSTS)


@pytest.mark.long
def test_hosts_are_as_they_were(bare: None) -> None:
    for host, past in PASTS.items():
        root_shell(host, past)
    before = states()
    assert "netbase rc " in before["node1"]
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)
    assert (
        "0 changed" in invoke("deploy", "--inventory", INVENTORY).expect_exit(0).output
    )

    # What somebody puts into our engine is neither taken along nor overlooked.
    image = "docker tag rayproject/ray:2.60.0 theirs:1; docker volume create pgdata"
    root_shell("node1", f"{image}; docker commit $(docker ps -q | head -n 1) theirs:2")
    refused = invoke(*TEARDOWN).expect_exit(2)
    assert "volumes pgdata; images theirs:2" in refused.output
    assert "ray-lab" in root_shell("node3", "docker ps"), "nothing was touched"
    assert "theirs:2" in root_shell(
        "node1", "docker image ls --format '{{.Repository}}:{{.Tag}}'"
    )
    root_shell("node1", "docker volume rm pgdata; docker image rm theirs:1 theirs:2")

    done = invoke(*TEARDOWN).expect_exit(0)
    assert "/var/lib/containerd stays" in done.output
    assert altered(before) == {}
    again = invoke(*TEARDOWN).expect_exit(0)
    assert "0 changed" in again.output


# From Debian 13 on docker.io has no client.
CLIENT = "client=$(apt-cache search --names-only '^docker-cli$' | cut -d ' ' -f 1)"
ENGINES = {
    # Somebody's engine, off, with data of theirs.
    "node1": f"""
apt-get update -q >/dev/null
{CLIENT}
apt-get install -y -q --no-install-recommends docker.io $client >/dev/null
systemctl start docker
docker volume create pgdata
systemctl disable -q docker
systemctl stop docker.socket docker containerd
""",
    # One that runs, with keys of its own.
    "node2": f"""
mkdir -p /etc/docker
printf '{{"debug": true}}' >/etc/docker/daemon.json
apt-get update -q >/dev/null
{CLIENT}
apt-get install -y -q --no-install-recommends docker.io $client >/dev/null
systemctl start docker
docker volume create pgdata
""",
    # What an engine that was removed has left.
    "node3": "mkdir -p /var/lib/docker/volumes/pgdata/_data",
}
OWN = r"""
find etc/systemd/system -printf '%y %p %l\n' | sort
cat /etc/docker/daemon.json 2>/dev/null
ls -d /var/lib/docker/volumes/*/
dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' | sort
systemctl is-active docker
systemctl is-enabled docker
getent passwd
ls -d /opt/* /var/lib/provision* /var/lib/.provision 2>/dev/null
true
"""


@pytest.mark.long
def test_an_engine_of_somebody_else_is_as_it_was(bare: None) -> None:
    for host, past in ENGINES.items():
        root_shell(host, past)
    before = {host: root_shell(host, f"cd /; {OWN}").splitlines() for host in HOSTS}
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)
    done = invoke(*TEARDOWN).expect_exit(0)
    assert "/var/lib/docker stays: it was there before" in done.output
    after = {host: root_shell(host, f"cd /; {OWN}").splitlines() for host in HOSTS}
    assert {host: set(after[host]) ^ set(before[host]) for host in HOSTS} == {
        host: set() for host in HOSTS
    }
    assert "0 changed" in invoke(*TEARDOWN).expect_exit(0).output


@pytest.mark.long
def test_what_was_edited_since_stays(bare: None) -> None:
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)
    edit = "sed -i 's/{/{\"debug\": true,/' /etc/docker/daemon.json"
    root_shell(
        "node1", f"{edit}; mkdir -p /etc/docker/certs.d; touch /etc/docker/certs.d/x"
    )
    done = invoke(*TEARDOWN).expect_exit(0)
    assert "/etc/docker/daemon.json stays as it is" in done.output
    left = root_shell("node1", "cd /etc/docker; find . | sort; grep debug daemon.json")
    assert left.split()[:4] == [".", "./certs.d", "./certs.d/x", "./daemon.json"]
    assert '"debug": true' in left
    assert root_shell("node1", "command -v dockerd; true") == ""
