"""Rules of doctor: facts of hosts become findings, and nothing unknown becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from provision.config.inventory import Host, Inventory
from provision.errors import (
    AuthError,
    ConnectError,
    HostError,
    HostKeyError,
    PrivilegeError,
    ProvisionError,
    RefusedError,
)
from provision.model.change import State
from provision.model.result import HostResult, StepResult
from provision.ray.doctor.finding import Diagnosis, Finding, PairCount, warning
from provision.ray.doctor.look.facts import Facts
from provision.ray.doctor.pairs.choice import all_pairs, chosen_pairs
from provision.ray.doctor.pairs.pairs import pair_test
from provision.ray.doctor.pairs.steps import ConnectTo, Listen, StopListening
from provision.ray.doctor.rules.between_hosts import cluster_findings
from provision.ray.doctor.rules.gpus import gpu_findings
from provision.ray.doctor.rules.network import (
    address_findings,
    index_findings,
    name_findings,
    port_findings,
    source_findings,
)
from provision.ray.doctor.rules.packages import docker_findings, package_findings
from provision.ray.doctor.rules.room import room_findings
from provision.ray.doctor.rules.run_errors import host_error, step_findings
from provision.ray.doctor.rules.system import system_findings
from provision.ray.doctor.wanted import Source, Wanted, place_of, registry_of

HEALTHY = {
    "os": "debian",
    "kernel": "6.1.0-13-amd64",
    "arch": "x86_64",
    "hostname": "a",
    "memory_kib": "16000000",
    "machine_id": "1",
    "host_key": "SHA256:x",
    "bash": "/usr/bin/bash",
    "shm": "tmpfs",
    "cgroup": "2",
    "port_range_low": "32768",
    "ip.0": "lo 127.0.0.1 65536",
    "ip.1": "eth0 10.0.0.1 1500",
    "packages": "apt",
    "apt_sites": "http://deb.debian.org",
    "reach.deb.debian.org:80": "open",
    "reach.registry-1.docker.io:443": "open",
    "disk./var/lib/docker": "90000000 /",
    "inodes./var/lib/docker": "9000000 9999999",
    "disk./var/lib/provision-c": "90000000 /",
    "mount./var/lib/docker": "rw,relatime",
    "clock_ahead_least": "-1",
    "clock_ahead_most": "1",
}
DUE = ("docker_engine", "docker_image", "archive")
IMAGE = Source(
    "image rayproject/ray:2.60.0", ("registry-1.docker.io:443",), "docker_image"
)


def host(name: str = "a", address: str = "10.0.0.1") -> Host:
    data = {"all": {"hosts": {name: {"address": address}}}}
    return Inventory.parse(data).hosts[name]


def needs(name: str = "a", address: str = "10.0.0.1", **changed: Any) -> Wanted:
    given: dict[str, Any] = {
        "host": host(name, address),
        "head": True,
        "ports": {6379: "Ray's tables (GCS)"},
        "node_ports": (6379, 6380),
        "sources": (IMAGE,),
        "image_mb": 4000,
        "data_dir": "/var/lib/provision-c",
        "container": "ray-c",
        "docker": True,
    }
    return Wanted(**given | changed)


def found(facts: Facts, wanted: Wanted) -> list[Finding]:
    """All findings of the rules about one host."""
    return [
        *system_findings(facts, wanted),
        *package_findings(facts),
        *docker_findings(facts, wanted),
        *address_findings(facts, wanted),
        *name_findings(facts),
        *port_findings(facts, wanted),
        *index_findings(facts, DUE),
        *source_findings(facts, wanted, DUE),
        *room_findings(facts, wanted, DUE),
        *gpu_findings(facts),
    ]


def test_a_healthy_host_has_no_finding() -> None:
    assert found(Facts("a", HEALTHY), needs()) == []


def test_what_is_unknown_is_no_finding_but_for_tools_that_are_not_there() -> None:
    state = {"os": "debian", "bash": "x", "packages": "dnf", "cgroup": "2"}
    assert found(Facts("a", state), needs()) == []


@pytest.mark.parametrize(
    ("state", "id_", "level"),
    [
        ({"os": "haiku"}, "os", "warning"),
        ({"arch": "riscv64"}, "arch", "failure"),
        ({"kernel": "3.10.0-1160"}, "kernel", "warning"),
        ({"memory_kib": "1000000"}, "memory", "warning"),
        ({"shm": "ext4"}, "shm", "warning"),
        ({"cgroup": "none"}, "cgroup", "failure"),
        ({"bash": ""}, "bash", "failure"),
        ({"port_range_low": "1024"}, "port-range", "warning"),
        ({"packages": "none", "apt_sites": ""}, "package-manager", "failure"),
        ({"packages_lock": "x is held by process 7 (apt)"}, "package-lock", "warning"),
        ({"packages_half": "foo"}, "package-half-installed", "warning"),
        ({"packages_interrupted": "true"}, "package-interrupted", "warning"),
        ({"apt_sites": ""}, "package-sources", "failure"),
        ({"reach.deb.debian.org:80": "refused"}, "package-index", "failure"),
        ({"reach.registry-1.docker.io:443": "no answer"}, "registry", "failure"),
        ({"proxy": "http://p:3128", "reach.p:3128": "refused"}, "proxy", "failure"),
        ({"ip.1": "eth0 10.0.0.9 1500"}, "address", "failure"),
        ({"name.head": ""}, "name-unresolved", "failure"),
        ({"port.6379": 'other 0.0.0.0 "redis",pid=7,fd=3'}, "port-taken", "failure"),
        ({"ports": "unknown"}, "ports-unknown", "warning"),
        ({"disk./var/lib/docker": "1000 /"}, "disk-room", "failure"),
        ({"disk./var/lib/provision-c": "1000 /d"}, "disk-room", "warning"),
        ({"inodes./var/lib/docker": "10 100"}, "disk-inodes", "failure"),
        ({"mount./var/lib/docker": "ro"}, "read-only", "failure"),
        ({"mount./var/lib/docker": "rw,noexec"}, "noexec", "failure"),
        ({"docker_program": "/snap/bin/docker"}, "docker-foreign", "failure"),
        ({"docker_program": "/usr/bin/podman"}, "docker-foreign", "failure"),
        ({"docker_program": "/usr/bin/docker"}, "docker-stopped", "warning"),
        (
            {"docker_program": "/usr/bin/docker", "docker_version": "19.03.1"},
            "docker-old",
            "warning",
        ),
        ({"gpu.smi": "/usr/bin/nvidia-smi", "gpu.error": "x"}, "gpu-error", "warning"),
        (
            {"gpu.card.0000:00:06.0": "0x10de 0x030200 0x2335  "},
            "gpu-driver",
            "warning",
        ),
        (
            {"gpu.row.0": "0, GPU-1, 80000, Disabled, 00000000:00:06.0, H100"},
            "gpu-toolkit",
            "warning",
        ),
    ],
)
def test_each_fault_is_the_only_finding(
    state: Mapping[str, str], id_: str, level: str
) -> None:
    [one] = found(Facts("a", {**HEALTHY, **state}), needs())
    assert (one.id, one.level, one.host) == (id_, level, "a")
    assert one.seen and one.wanted and one.remedy


def test_what_is_there_need_not_be_fetched() -> None:
    facts = Facts("a", {**HEALTHY, "reach.registry-1.docker.io:443": "no answer"})
    assert list(source_findings(facts, needs(), ["docker_engine"])) == []


def test_one_mirror_that_answers_is_enough() -> None:
    source = Source("image", ("m:5000", "registry-1.docker.io:443"), "docker_image")
    state = {"reach.m:5000": "open", "reach.registry-1.docker.io:443": "no answer"}
    wanted = needs(sources=(source,))
    assert list(source_findings(Facts("a", state), wanted, DUE)) == []


def test_the_own_ports_of_a_cluster_are_no_conflict() -> None:
    facts = Facts("a", {"port.6379": 'own * "gcs_server",pid=7,fd=3'})
    assert list(port_findings(facts, needs())) == []


@pytest.mark.parametrize(
    ("image", "place"),
    [
        ("rayproject/ray:2.60.0", "registry-1.docker.io:443"),
        ("docker.io/rayproject/ray", "registry-1.docker.io:443"),
        ("ghcr.io/x/ray@sha256:1", "ghcr.io:443"),
        ("10.0.0.2:5000/ray", "10.0.0.2:5000"),
        ("localhost/ray", "localhost:443"),
    ],
)
def test_the_registry_of_an_image(image: str, place: str) -> None:
    assert registry_of(image) == place


def test_places_of_urls() -> None:
    assert place_of("http://u:p@[fe80::1]/x") == "[fe80::1]:80"
    assert place_of("https://a.b/x") == "a.b:443"
    assert place_of("no url") == place_of("http://a:x/") == ""


def two(**second: str) -> tuple[list[Facts], dict[str, Wanted]]:
    """Two healthy hosts; the second has these facts in place of its own."""
    own = {"ip.1": "eth0 10.0.0.2 1500", "machine_id": "2", "host_key": "SHA256:y"}
    other = {**HEALTHY, **own, "hostname": "b", **second}
    looks = [Facts("a", HEALTHY), Facts("b", other)]
    return looks, {"a": needs(), "b": needs("b", "10.0.0.2", head=False)}


@pytest.mark.parametrize(
    ("second", "id_"),
    [
        ({"clock_ahead_least": "59", "clock_ahead_most": "61"}, "clock"),
        ({"clock_ahead_least": "-61", "clock_ahead_most": "-59"}, "clock"),
        ({"machine_id": "1"}, "machine-id"),
        ({"host_key": "SHA256:x"}, "host-key-shared"),
        ({"hostname": "a"}, "hostname-shared"),
        ({"ip.1": "eth0 10.0.0.2 9000"}, "mtu"),
        ({"arch": "aarch64"}, "arch-mixed"),
        ({"name.n": "10.0.0.7"}, "name-differs"),
    ],
)
def test_each_difference_between_hosts_is_the_only_finding(
    second: dict[str, str], id_: str
) -> None:
    looks, wanted = two(**second)
    if id_ == "name-differs":
        looks[0] = Facts("a", {**HEALTHY, "name.n": "10.0.0.1"})
    [one] = cluster_findings(looks, wanted, ["n"])
    assert (one.id, one.host) == (id_, "b")


def test_two_equal_hosts_have_no_finding() -> None:
    assert list(cluster_findings(*two(), [])) == []


@pytest.mark.parametrize(
    ("error", "id_"),
    [
        (HostKeyError("x"), "host-key-changed"),
        (AuthError("x"), "login"),
        (ConnectError("x"), "connect"),
        (PrivilegeError("x"), "sudo"),
    ],
)
def test_a_host_that_cannot_be_asked(error: ProvisionError, id_: str) -> None:
    one = host_error("a", error)
    assert (one.id, one.seen, one.level) == (id_, "x", "failure")
    assert one.remedy


def test_a_refusal_that_a_rule_has_told_is_not_told_again() -> None:
    result = HostResult()
    step = StepResult("p", "docker image", "docker_image", "", "failed")
    step.error = RefusedError("no room for the image", hint="make room")
    result.steps.append(step)
    assert list(step_findings("a", result, {"disk-room"})) == []
    [one] = step_findings("a", result, set())
    assert (one.id, one.remedy) == ("step-docker_image", "make room")


@pytest.mark.parametrize(
    ("kind", "known", "told"),
    [
        ("docker_image", {"docker-stopped"}, True),
        ("docker_image", {"memory"}, False),
        ("ray_head", {"docker-stopped"}, False),
    ],
)
def test_an_image_that_cannot_be_asked_for_follows_from_docker(
    kind: str, known: set[str], told: bool
) -> None:
    result = HostResult()
    step = StepResult("p", "image x", kind, "", "failed")
    step.error = HostError("cannot tell the state")
    result.steps.append(step)
    assert (list(step_findings("a", result, known)) == []) is told


class Network:
    """Hosts that listen and connect, but for pairs that are cut."""

    def __init__(self, *cut: str, mute: str = "") -> None:
        self.cut, self.mute = cut, mute
        self.ended: set[str] = set()

    def __call__(self, steps: Mapping[str, Any]) -> dict[str, State | None]:
        return {name: self.reply(name, step) for name, step in steps.items()}

    def reply(self, name: str, step: Any) -> State | None:
        match step:
            case Listen():
                if name == self.mute:
                    return {"tool": "none"}
                return {"pid": f"1{name}", **{f"port.{p}": "open" for p in step.ports}}
            case ConnectTo():
                return {
                    f"to.{address} {port}": "no answer"
                    for address, port in step.places
                    if f"{name}>{address}" in self.cut
                }
            case StopListening():
                self.ended.add(name)
        return {}


def test_pairs_that_reach_each_other() -> None:
    network = Network()
    result = pair_test(*two(), network)
    assert (result.count, result.findings) == (PairCount(2, 2), ())
    assert network.ended == {"a", "b"}


def test_a_cut_pair_is_found_at_the_host_that_is_not_reached() -> None:
    result = pair_test(*two(), Network("a>10.0.0.2"))
    [one] = result.findings
    assert (one.id, one.host) == ("port-blocked", "b")
    assert one.seen == "a cannot connect to port 6379-6380: no answer"


def test_a_host_that_cannot_listen_is_unknown_and_not_fine() -> None:
    result = pair_test(*two(), Network(mute="b"))
    assert [(one.id, one.host) for one in result.findings] == [("pairs-untested", "b")]
    assert result.count == PairCount(2, 1)


def test_no_listener_takes_a_port_where_a_node_runs() -> None:
    looks, wanted = two(node="running", **{"port.6379": 'own * "x",pid=1'})
    network = Network()
    assert pair_test(looks, wanted, network).count == PairCount(2, 2)
    assert network.ended == {"a"}


def test_listeners_are_ended_when_the_test_is_interrupted() -> None:
    class Interrupted(Network):
        def reply(self, name: str, step: Any) -> State | None:
            if isinstance(step, ConnectTo):
                raise KeyboardInterrupt
            return super().reply(name, step)

    network = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        pair_test(*two(), network)
    assert network.ended == {"a", "b"}


def test_all_pairs_up_to_twenty_hosts_and_a_sample_above() -> None:
    names = [f"n{number}" for number in range(50)]
    assert len(chosen_pairs(names[:20], names[:1])) == 20 * 19
    sample = chosen_pairs(names, names[:1])
    assert len(sample) < 350 < len(all_pairs(names))
    for name in names:
        assert (name, "n0") in sample or name == "n0"
        assert sum(one == name for one, _ in sample) >= 4
        assert sum(other == name for _, other in sample) >= 4


def test_exit_codes_and_json() -> None:
    failure = Finding("connect", "a", "s", "w", "r")
    doubt = warning("mtu", "a", "s", "w", "r")
    well = Diagnosis("c", {"a": {}})
    assert (well.exit_code(strict=True), well.ok) == (0, True)
    warned = Diagnosis("c", {"a": {}}, (doubt,))
    assert (warned.exit_code(), warned.exit_code(strict=True)) == (0, 3)
    both = Diagnosis("c", {"a": {}}, (doubt, failure))
    assert (both.exit_code(strict=True), both.ok) == (2, False)
    cut = Diagnosis("c", {"a": {}}, interrupted=True)
    assert (cut.exit_code(), cut.ok) == (130, False)
    data = both.as_dict()
    assert [one["id"] for one in data["failures"]] == ["connect"]
    assert [one["id"] for one in data["warnings"]] == ["mtu"]
