"""Ray from wheels, under systemd, on two hosts without Docker; seen by systemctl and Ray.

In this order, on one cluster: each test leaves it as it was, but the last takes it away.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.lab.commands import INVENTORY, ROOT, CommandResult, invoke
from support.lab.commands import invoke_with_report as with_report
from support.lab.host_state import root_shell, states

from provision import lab
from provision.lab.paths import LabPaths
from provision.lab.supplies.images import RAY_VERSION, ray_wheels
from provision.lab.system import DEBIAN_12

HOSTS = ("node1", "node2")
OTHER_RAY = "2.59.0"
UNIT = "provision-ray-lab"
MINUTE_S = 60
pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Cluster:
    """Two hosts of the lab, in an inventory of their own."""

    inventory: Path

    def invoke(self, command: str, *words: str, code: int = 0) -> str:
        return self.run(command, *words).expect_exit(code).output

    def run(self, command: str, *words: str) -> CommandResult:
        return invoke(command, "--inventory", str(self.inventory), *words)

    def changes_nothing(self, *words: str) -> bool:
        """Deploy, and return whether that changed nothing in one round trip per host."""
        report = self.inventory.with_suffix(".json")
        deploy = ("deploy", "--inventory", str(self.inventory), *words)
        done, found = with_report(*deploy, report=report)
        done.expect_exit(0)
        hosts = found["hosts"].values()
        return {(h["changed"], h["round_trips"]) for h in hosts} == {(0, 1)}

    def wait_until_nothing_differs(self) -> None:
        deadline = time.monotonic() + 4 * MINUTE_S
        while (done := self.run("plan")).code:
            assert time.monotonic() < deadline, done.output
            time.sleep(1)


def inventory_text(wheels: Path) -> str:
    """The lab's own inventory with two hosts, and with Ray from *wheels*."""
    text = (ROOT / INVENTORY).read_text()
    text = re.sub(r"\n +node3: .*", "", text).replace("../.lab", f"{ROOT}/.lab")
    return text.replace(
        "    cluster: lab",
        f"    ray_runtime: pip\n    ray_wheels: {wheels}\n    cluster: lab",
        1,
    )


def other_ray() -> tuple[str, ...]:
    """Return the words that set another version of Ray."""
    wheels = ray_wheels(LabPaths.find(), OTHER_RAY)
    return ("--set", f"ray_version={OTHER_RAY}", "--set", f"ray_wheels={wheels}")


def running(host: str) -> str:
    """Return the environment that the raylet of *host* runs from."""
    exe = "readlink /proc/$(pgrep -x raylet | head -n 1)/exe"
    return root_shell(host, exe).removeprefix("/opt/ray/").partition("/")[0]


def started(host: str) -> str:
    show = f"systemctl show -p ActiveState -p ExecMainStartTimestampMonotonic {UNIT}"
    return root_shell(host, show)


@pytest.fixture(scope="module")
def before(running_lab: object) -> dict[str, list[str]]:
    """The lines about the two hosts, bare."""
    if LabPaths.find().system is not DEBIAN_12:
        pytest.skip("the wheels are for the Python of Debian 12")
    lab.reset(list(HOSTS))
    return {host: lines for host, lines in states().items() if host in HOSTS}


@pytest.fixture(scope="module")
def cluster(
    before: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    inventory = tmp_path_factory.mktemp("pip") / "lab.yml"
    inventory.write_text(inventory_text(ray_wheels(LabPaths.find())))
    made = Cluster(inventory)
    made.invoke("deploy")
    yield made
    lab.reset(list(HOSTS))


def test_the_second_deploy_changes_nothing_in_one_round_trip(cluster: Cluster) -> None:
    assert cluster.changes_nothing()


def test_it_works_as_its_user_without_docker(cluster: Cluster) -> None:
    for host in HOSTS:
        assert running(host).startswith(f"{RAY_VERSION}-")
        user = root_shell(host, "ps -o user= -C raylet").split()
        assert user in (["provision-ray"], ["provisi+"]), user
        assert root_shell(host, "command -v docker || true") == ""
    assert "0*0" in cluster.invoke("smoke")
    shown = cluster.invoke("status")
    assert shown.count(f"pip {RAY_VERSION} running healthy") == len(HOSTS)
    assert re.search(r"(\d+) of \1 targets up", shown), shown


def test_both_hosts_come_back_after_a_reboot(cluster: Cluster) -> None:
    for host in HOSTS:
        lab.reboot(host)
    cluster.wait_until_nothing_differs()
    assert "0*0" in cluster.invoke("smoke")
    assert cluster.changes_nothing()


def test_it_is_stopped_and_started_on_purpose(cluster: Cluster) -> None:
    cluster.invoke("stop")
    off = "systemctl is-active provision-ray-lab; systemctl is-enabled provision-ray-lab; :"
    assert [root_shell(host, off).split() for host in HOSTS] == [
        ["inactive", "disabled"]
    ] * 2
    assert "stopped on purpose" in cluster.invoke("status")
    assert "stopped on purpose since" in cluster.invoke("deploy")
    assert "is stopped on purpose" in cluster.invoke("smoke", code=2)
    lab.reboot(HOSTS[1])
    assert root_shell(HOSTS[1], off).split() == ["inactive", "disabled"]
    cluster.invoke("start")
    assert "0*0" in cluster.invoke("smoke")
    cluster.wait_until_nothing_differs()
    cluster.invoke("restart", "--limit", HOSTS[1])
    assert "0*0" in cluster.invoke("smoke")


def test_commands_have_rays_environment(cluster: Cluster, tmp_path: Path) -> None:
    assert "node" in cluster.invoke("ray", "--", "status")
    show = ("--container", "--", "python -c 'import ray; print(ray.__version__)'")
    assert RAY_VERSION in cluster.invoke("exec", *show)
    assert cluster.invoke("logs", "--of", "ray", "--lines", "5")
    (tmp_path / "job.py").write_text("print('of a job', flush=True)")
    assert "of a job" in cluster.invoke("run", str(tmp_path / "job.py"))
    assert "SUCCEEDED" in cluster.invoke("jobs")


def test_a_new_token_is_the_only_one(cluster: Cluster) -> None:
    assert "refuses the old one" in cluster.invoke("token.rotate")
    assert "0*0" in cluster.invoke("smoke")


def test_another_ray_comes_and_goes_back(cluster: Cluster) -> None:
    other = other_ray()
    cluster.invoke("deploy", *other)
    assert {running(host).partition("-")[0] for host in HOSTS} == {OTHER_RAY}
    assert "0*0" in cluster.invoke("smoke", *other)

    back = cluster.invoke("rollback")
    assert "runs as before the last deploy" in back
    assert {running(host).partition("-")[0] for host in HOSTS} == {RAY_VERSION}
    assert "0*0" in cluster.invoke("smoke")
    assert "nothing to go back to" in cluster.invoke("rollback")

    # The environment is there; nothing is sent, and nothing that runs is touched.
    at = [started(host) for host in HOSTS]
    cluster.invoke("deploy")
    assert [started(host) for host in HOSTS] == at
    assert cluster.changes_nothing()


def test_tls_comes_and_goes(cluster: Cluster) -> None:
    tls = ("--set", "ray_tls=true")
    cluster.invoke("deploy", *tls)
    assert "0*0" in cluster.invoke("smoke", *tls)
    assert "RAY_USE_TLS='1'" in root_shell(
        "node2", "cat /var/lib/provision-lab/process/run"
    )
    assert cluster.changes_nothing(*tls)
    cluster.invoke("deploy")
    assert "0*0" in cluster.invoke("smoke")


def test_a_firewall_comes_and_goes(cluster: Cluster) -> None:
    firewall = ("--set", "firewall=true")
    cluster.invoke("deploy", *firewall)
    for host in HOSTS:
        rules = root_shell(host, "iptables -S").splitlines()
        assert any("--dport" in rule or "--dports" in rule for rule in rules), rules
    assert "0*0" in cluster.invoke("smoke", *firewall)
    assert cluster.changes_nothing(*firewall)
    cluster.invoke("deploy")
    assert "--dport" not in root_shell("node1", "iptables -S")
    assert "0*0" in cluster.invoke("smoke")


def test_docker_and_back(cluster: Cluster) -> None:
    docker = ("--set", "ray_runtime=docker")
    planned = cluster.invoke("plan", *docker, code=3)
    assert "pip: running -> (absent)" in planned
    parted = cluster.invoke("deploy", *docker, "--limit", "node2", code=2)
    assert "the runtime of Ray changes from pip to docker" in parted
    assert "running healthy" in cluster.invoke("status")

    cluster.invoke("deploy", *docker)
    for host in HOSTS:
        assert root_shell(host, "docker ps --format '{{.Names}}'").split() == [
            "ray-lab"
        ]
        assert (
            root_shell(host, f"ls /etc/systemd/system/{UNIT}* 2>/dev/null || true")
            == ""
        )
    assert "0*0" in cluster.invoke("smoke", *docker)
    assert cluster.changes_nothing(*docker)

    assert "docker: running -> (absent)" in cluster.invoke("plan", code=3)
    cluster.invoke("deploy")
    for host in HOSTS:
        assert root_shell(host, "docker ps -aq") == ""
        assert running(host).startswith(RAY_VERSION)
    assert "0*0" in cluster.invoke("smoke")
    assert cluster.changes_nothing()


def test_nothing_is_left(cluster: Cluster, before: dict[str, list[str]]) -> None:
    cluster.invoke("teardown", "--yes", "--level", "engine")
    now = states()
    for host in HOSTS:
        assert set(now[host]) ^ set(before[host]) == set(), host
        assert root_shell(host, "pgrep -l 'raylet|gcs_server' || true") == ""
