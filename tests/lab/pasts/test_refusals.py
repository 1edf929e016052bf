"""A deploy is refused, or goes back, on a host whose past does not allow it; real dockerd.

What is left is seen by plain commands.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from support.lab.commands import INVENTORY, invoke
from support.lab.one_host import HOST, apply, failure, sh
from support.lab.other_packages import install

from provision import lab
from provision.steps.docker.container.container import DockerContainer
from provision.steps.docker.engine.engine import DockerEngine
from provision.steps.docker.image import DockerImage
from provision.steps.services.service import Service
from provision.steps.services.units.systemd_unit import SystemdUnit

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(900)]
ENGINE = """
apt-get update -q >/dev/null
apt-get install -y -q --no-install-recommends docker.io >/dev/null
apt-get install -y -q --no-install-recommends docker-cli >/dev/null 2>&1 || true
systemctl start docker
"""
CONF = "/etc/docker/daemon.json"
STATE = f"""
cd /etc/docker 2>/dev/null && find . -type f -exec sha256sum {{}} +
stat -c '%U %n' /var/lib/provision_metrics/prometheus /var/lib/provision-lab 2>/dev/null
docker ps --quiet 2>/dev/null; docker image ls --quiet 2>/dev/null
ls /opt /run/provision-docker-reload {CONF}.* 2>/dev/null
systemctl is-active docker; systemctl is-enabled docker 2>/dev/null
dpkg-query -W -f '${{Package}} ${{db:Status-Abbrev}}\\n' | sort
true
"""
IMAGE = "rayproject/ray:2.60.0"
MIRROR = {"registry-mirrors": ["http://172.30.77.2:5000"]}
"""The lab's registry, which has the image."""


@pytest.fixture(autouse=True)
def _bare(running_lab: list[lab.VirtualHost]) -> Iterator[None]:
    lab.reset([HOST])
    yield
    lab.reset([HOST])


def write_conf(**keys: Any) -> str:
    text = json.dumps({name.replace("_", "-"): value for name, value in keys.items()})
    return f"mkdir -p /etc/docker; echo '{text}' >{CONF}\n"


PASTS = {
    "hosts, which is a flag of the unit": (
        f"{ENGINE}{write_conf(hosts=['unix:///var/run/docker.sock'])}",
        "hosts is also the flag -H fd://",
    ),
    "hosts, before there is an engine": (
        write_conf(hosts=["unix:///var/run/docker.sock"]),
        "the docker.service that comes with its package",
    ),
    "a mirror in a drop-in": (
        f"{ENGINE}mkdir -p /etc/systemd/system/docker.service.d\n"
        "printf '[Service]\\nExecStart=\\nExecStart=/usr/sbin/dockerd -H fd:// "
        "--registry-mirror=http://mirror:1\\n' "
        ">/etc/systemd/system/docker.service.d/site.conf\n"
        "systemctl daemon-reload; systemctl restart docker",
        "docker.service.d/site.conf",
    ),
    "live-restore in DOCKER_OPTS": (
        f"{ENGINE}echo 'DOCKER_OPTS=\"--live-restore\"' >/etc/default/docker\n"
        "systemctl restart docker",
        "live-restore is also the flag --live-restore in /etc/default/docker",
    ),
    "userns-remap": (
        f"{write_conf(userns_remap='default')}{ENGINE}",
        "remaps the users of its containers",
    ),
    "a masked unit": (f"{ENGINE}systemctl mask -q docker", "is masked"),
    "a masked socket, before there is an engine": (
        "ln -s /dev/null /etc/systemd/system/docker.socket",
        "docker.socket is masked",
    ),
    "data of somebody else": (
        "useradd alice; mkdir -p /var/lib/provision-lab; "
        "echo mine >/var/lib/provision-lab/mine; chown -R alice /var/lib/provision-lab",
        "/var/lib/provision-lab belongs to alice",
    ),
    "programs on a disk that is mounted noexec": (
        "mkdir -p /opt/provision; mount -t tmpfs -o noexec tmpfs /opt/provision",
        "/opt/provision is mounted rw,noexec",
    ),
    "a small disk for Docker": (
        "mkdir -p /var/lib/docker; mount -t tmpfs -o size=700m tmpfs /var/lib/docker",
        f"no room for the image {IMAGE}: /var/lib/docker has",
    ),
}


@pytest.mark.parametrize("past", PASTS)
def test_it_is_refused_and_nothing_is_touched(past: str) -> None:
    script, said = PASTS[past]
    sh(script)
    before = sh(STATE)
    done = invoke("plan", "--inventory", INVENTORY).expect_exit(2)
    assert said in " ".join(done.output.split())
    assert sh(STATE) == before


def test_podman_in_the_place_of_docker_is_refused() -> None:
    """Its `docker` is podman's, which in the lab cannot answer as an engine does."""
    install(HOST, "podman-docker", "podman")
    before = sh(STATE)
    done = invoke("plan", "--inventory", INVENTORY).expect_exit(2)
    said = " ".join(done.output.split())
    assert "there is no docker.service on this host" in said
    assert "podman version" in said
    assert sh(STATE) == before


def test_a_member_of_a_swarm_stays_one() -> None:
    """It is refused until live-restore is left as it is; then the swarm goes on."""
    sh(ENGINE)
    sh("docker swarm init --advertise-addr 127.0.0.1")
    before = sh(STATE)
    done = invoke("plan", "--inventory", INVENTORY).expect_exit(2)
    assert "a member of a swarm" in " ".join(done.output.split())
    assert sh(STATE) == before
    right = DockerEngine(daemon={"registry-mirrors": ["http://mirror:1"]})
    assert failure(apply(right)) == ""
    sh("systemctl restart docker")
    assert sh("docker info --format '{{.Swarm.LocalNodeState}}'") == "active"


FAULTS: dict[str, dict[str, Any]] = {
    "a key that dockerd does not know": {"no-such-key": 1},
    "a runtime that is not there": {"default-runtime": "nowhere"},
    "a storage driver that is not there": {"storage-driver": "nowhere"},
    "a bridge that is not there": {"bridge": "nowhere0"},
    "an option that its log driver does not know": {"log-opts": {"no-such": "1"}},
}


@pytest.mark.parametrize("runs", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
def test_an_engine_goes_back_to_its_daemon_json(fault: str, runs: bool) -> None:
    sh(write_conf(debug=True) + ENGINE)
    if not runs:
        sh("systemctl disable -q docker; systemctl stop docker.socket docker")
    before, pid = sh(STATE), sh("cat /run/docker.pid 2>/dev/null; true")
    error = failure(apply(DockerEngine(daemon=FAULTS[fault])))
    assert error
    if not runs and sh("systemctl is-active docker; true") == "active":
        # Only its start found the fault, so it was started again with the old file.
        sh("systemctl stop docker.socket docker")
    assert sh(STATE) == before
    if "dockerd does not know" in fault:
        assert sh("cat /run/docker.pid 2>/dev/null; true") == pid, "not even restarted"
    assert sh("systemctl show -p SubState --value docker") in {"running", "dead"}
    right = apply(DockerEngine(daemon={"registry-mirrors": ["http://mirror:1"]}))
    assert failure(right) == ""


def test_a_bare_host_is_left_with_an_engine_that_runs_or_none() -> None:
    error = failure(apply(DockerEngine(daemon={"storage-driver": "nowhere"})))
    assert error
    assert sh(f"ls {CONF} {CONF}.old 2>/dev/null; true") == ""
    assert sh("systemctl show -p SubState --value docker") in {"running", "dead"}
    assert failure(apply(DockerEngine())) == ""


def test_a_service_that_ends_again_and_again_is_stopped() -> None:
    text = (
        "[Service]\nExecStart=/bin/sh -c 'echo no such port; exit 3'\nRestart=always\n"
        "RestartSec=1\n[Install]\nWantedBy=multi-user.target\n"
    )
    unit = SystemdUnit(name="step-test.service", content=text)
    error = failure(apply(unit, Service(name="step-test", stays_s=4)))
    assert "it is stopped: systemd would have started it again" in error
    assert "no such port" in error
    assert sh("systemctl is-active step-test; true") in {"inactive", "failed"}
    assert sh("systemctl is-enabled step-test; true") == "disabled"


def test_a_container_that_ends_again_and_again_is_stopped() -> None:
    assert failure(apply(DockerEngine(daemon=MIRROR), DockerImage(name=IMAGE))) == ""
    step = DockerContainer(name="web", image=IMAGE, command=["sh", "-c", "exit 3"])
    error = failure(apply(step))
    assert "web is stopped: Docker would have started it again and again" in error
    shown = "{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}"
    assert sh(f"docker inspect --format '{shown}' web") == "exited no"


def test_a_container_that_docker_refuses_gives_its_place_back() -> None:
    assert failure(apply(DockerEngine(daemon=MIRROR), DockerImage(name=IMAGE))) == ""
    step = DockerContainer(name="web", image=IMAGE, command=["sleep", "1000"])
    assert failure(apply(step)) == ""
    old = sh("docker inspect --format '{{.Id}}' web")
    broken = step.model_copy(update={"mounts": ("/nowhere:/nowhere",)})
    assert "was there before runs again" in failure(apply(broken))
    shown = "docker inspect --format '{{.Id}} {{.State.Status}}' web"
    assert sh(shown) == f"{old} running"
    assert sh("docker ps --all --format '{{.Names}}'") == "web"
