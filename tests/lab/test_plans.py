"""A plan is what a deploy then changes: one real change after the other on the lab."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from support.lab.commands import INVENTORY, ROOT, invoke
from support.lab.planned import Field, plan_and_deploy

from provision import lab

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(600)]

LAB = ("--inventory", INVENTORY)
ONE = (*LAB, "--limit", "node3")
METRICS = (*LAB, "--tags", "metrics")
MIRRORS = '["http://172.30.77.2:5000", "http://172.30.77.2:5001"]'
SERVICE = "service provision-prometheus"
CHANGES = {
    "the scrape interval": (
        (*METRICS, "--set", "metrics_interval_s=15"),
        {("node1", SERVICE, "files")},
    ),
    "the retention, and the interval goes back": (
        (*METRICS, "--set", "prometheus_retention=7d"),
        {("node1", "unit provision-prometheus.service", "content")},
    ),
}
"""The words of each, and some of what changes; the next one also undoes the last."""
LONG = {
    "a label": (
        (*ONE, "--set", "ray_labels={zone: a}"),
        {("node3", "ray worker, in turn", "--labels")},
    ),
    "an option of the container, and the label goes": (
        (*ONE, "--set", "ray_num_cpus=2"),
        {
            ("node3", "ray worker, in turn", "--num-cpus"),
            ("node3", "ray worker, in turn", "--labels"),
        },
    ),
    "a mirror, and the option goes back": (
        (*ONE, "--set", f"docker_registry_mirrors={MIRRORS}"),
        {
            ("node3", "docker engine", "daemon.registry-mirrors"),
            ("node3", "ray worker, in turn", "--num-cpus"),
        },
    ),
    "who may see the dashboards": (
        (*METRICS, "--set", "grafana_anonymous=true"),
        {("node1", "service provision-grafana", "files")},
    ),
    "a variable of the environment": (
        (*LAB, "--set", "ray_env={PROVISION_TEST: plans}"),
        {("node1", "ray head, last", "env.PROVISION_TEST")},
    ),
    "a port": (
        (*METRICS, "--set", "node_exporter_port=9101"),
        {
            ("node3", "service provision-node-exporter", "files"),
            ("node1", SERVICE, "files"),
        },
    ),
    "a version": (
        (*METRICS, "--set", "prometheus_version=3.5.1"),
        {("node1", SERVICE, "files")},
    ),
    "certificates": (
        (*LAB, "--set", "ray_tls=true"),
        {("node2", "ray worker", "env.RAY_USE_TLS")},
    ),
    "no certificates": (LAB, {("node2", "ray worker", "env.RAY_USE_TLS")}),
}
PLAYBOOK = """
- play: own
  hosts: node3
  become: true
  vars: { words: one, about: first, shell: /usr/sbin/nologin }
  steps:
    - user: { name: plan-test, system: true, shell: "{{ shell }}" }
    - file: { path: /etc/plan-test, content: "{{ words }}\\n", owner: plan-test }
    - systemd_unit:
        name: plan-test.service
        content: |
          [Unit]
          Description={{ about }}
          [Service]
          User=plan-test
          ExecStart=/bin/sh -c 'cat /etc/plan-test; exec sleep 1000'
          [Install]
          WantedBy=multi-user.target
    - service:
        name: plan-test
        files: [/etc/plan-test, /etc/systemd/system/plan-test.service]
"""
CLEAN = """
systemctl disable -q --now plan-test
rm -f /etc/systemd/system/plan-test.service /etc/plan-test
systemctl daemon-reload
userdel plan-test
true
"""


@pytest.fixture(scope="module")
def deployed(running_lab: object) -> Iterator[None]:
    invoke("deploy", *LAB).expect_exit(0)
    yield
    invoke("deploy", *LAB).expect_exit(0)


@pytest.fixture
def own_playbook(tmp_path: Path) -> Iterator[Path]:
    """Steps of general kinds; what they made is removed afterwards."""
    path = tmp_path / "own.yml"
    path.write_text(PLAYBOOK)
    yield path
    lab.run("node3", "sh", "-c", CLEAN)


def steps(planned: set[Field]) -> set[tuple[str, str, str]]:
    """Return host, step and field of what was *planned*, in whatever play."""
    return {(host, step, field) for host, _, step, field in planned}


def without_node3(folder: Path) -> Path:
    """The lab's inventory before its third host came."""
    data = yaml.safe_load((ROOT / INVENTORY).read_text())
    for name in ("ansible_ssh_private_key_file", "known_hosts"):
        file = Path(data["all"]["vars"][name]).name
        data["all"]["vars"][name] = str(ROOT / ".lab" / file)
    del data["all"]["children"]["workers"]["hosts"]["node3"]
    path = folder / "lab.yml"
    path.write_text(yaml.safe_dump(data))
    return path


def test_a_new_host_also_changes_what_lists_the_hosts(
    deployed: None, tmp_path: Path
) -> None:
    invoke("teardown", *ONE, "--yes").expect_exit(0)
    fewer = without_node3(tmp_path)
    left = steps(plan_and_deploy(tmp_path, "--inventory", str(fewer)))
    assert ("node1", SERVICE, "files") in left
    assert {host for host, *_ in left} == {"node1"}
    came = steps(plan_and_deploy(tmp_path, *LAB))
    assert ("node1", SERVICE, "files") in came
    assert ("node3", "ray worker", "container") in came
    assert "node2" not in {host for host, *_ in came}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change(deployed: None, tmp_path: Path, change: str) -> None:
    words, some = CHANGES[change]
    assert some <= steps(plan_and_deploy(tmp_path, *words))


@pytest.mark.parametrize("change", LONG)
def test_a_change_that_takes_its_time(
    deployed: None, tmp_path: Path, change: str
) -> None:
    words, some = LONG[change]
    assert some <= steps(plan_and_deploy(tmp_path, *words))


def test_a_user_a_file_a_unit_and_a_service(
    running_lab: object, own_playbook: Path, tmp_path: Path
) -> None:
    words = [*LAB, "--playbook", str(own_playbook)]
    service = ("node3", "service plan-test", "files")
    unit = ("node3", "unit plan-test.service", "content")
    file = ("node3", "file /etc/plan-test", "content")

    first = steps(plan_and_deploy(tmp_path, *words))
    assert len({step for _, step, _ in first}) == 4

    words += ["--set", "words=two"]
    assert steps(plan_and_deploy(tmp_path, *words)) == {file, service}

    words += ["--set", "about=second"]
    assert steps(plan_and_deploy(tmp_path, *words)) == {unit, service}

    words += ["--set", "shell=/bin/sh"]
    user = ("node3", "user plan-test", "shell")
    assert steps(plan_and_deploy(tmp_path, *words)) == {user}


def test_a_new_token_and_the_way_back(
    deployed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROVISION_RAY_TOKEN", secrets.token_hex(32))
    there = steps(plan_and_deploy(tmp_path, *LAB))
    assert ("node1", "file /var/lib/provision-lab/auth_token", "content") in there
    assert {host for host, *_ in there} == {"node1", "node2", "node3"}
