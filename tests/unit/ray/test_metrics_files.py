"""The files of the metrics stack: rendered for a cluster, and what their readers need.

`promtool`, where it is installed, has the last word on Prometheus' own files.
"""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.config import playbook as playbooks
from provision.config.inventory import Inventory
from provision.config.playbook import Bound
from provision.ray.steps.node.ports import Ports
from provision.secrets.credentials import Credentials
from provision.secrets.store import SecretMode, Secrets
from provision.steps.files.file import File
from provision.steps.services.service import Service
from provision.steps.services.units.systemd_unit import SystemdUnit

ROOT = Path(__file__).parents[3]
BOOK = ROOT / "playbooks/metrics.yml"
OVERVIEW = ROOT / "playbooks/templates/cluster_overview.json"
HOSTS = {
    "head": {"hosts": {"node1": {"address": "10.0.0.1"}}},
    "workers": {"hosts": {"node2": {"address": "10.0.0.2"}}},
}
HOSTS6 = {
    "head": {"hosts": {"node1": {"address": "fd00::1"}}},
    "workers": {"hosts": {"node2": {"address": "fd00::2"}}},
}
PORTS = Ports()
promtool = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(not promtool, reason="promtool is not installed")


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(tmp_path, SecretMode.GENERATE, Credentials(environment={}))


def bind(secrets: Secrets, hosts: Any = HOSTS, **sets: Any) -> Bound:
    lab = Inventory.parse(hosts, cluster="lab")
    return playbooks.bind(playbooks.load(BOOK), lab, secrets=secrets, sets=sets)


def contents(bound: Bound, host: str = "node1") -> dict[str, str]:
    """The text of each file and unit of *host* that is no secret."""
    found = {}
    for play in bound.plays:
        for step in (one.step for one in play.steps.get(host, ())):
            if isinstance(step, File) and isinstance(step.content, str):
                found[step.path] = step.content
            elif isinstance(step, SystemdUnit):
                found[step.name] = step.content
    return found


def scraped(text: str) -> dict[str, list[str]]:
    """The targets of each job of a prometheus.yml."""
    return {
        job["job_name"]: [
            t for group in job["static_configs"] for t in group["targets"]
        ]
        for job in yaml.safe_load(text)["scrape_configs"]
    }


def test_targets_are_the_hosts_of_the_inventory_at_the_ports_ray_is_given(
    secrets: Secrets,
) -> None:
    text = contents(bind(secrets))["/etc/provision/prometheus/prometheus.yml"]
    assert scraped(text) == {
        "ray": [f"10.0.0.1:{PORTS.metrics}", f"10.0.0.2:{PORTS.metrics}"],
        "ray_autoscaler": [f"10.0.0.1:{PORTS.autoscaler_metrics}"],
        "ray_dashboard": [f"10.0.0.1:{PORTS.dashboard_metrics}"],
        "node": ["10.0.0.1:9100", "10.0.0.2:9100"],
        "prometheus": ["10.0.0.1:9090"],
    }


def test_other_ports_of_ray_are_scraped_at_those(secrets: Secrets) -> None:
    ports = {"metrics": 7001, "autoscaler_metrics": 7002, "dashboard_metrics": 7003}
    text = contents(bind(secrets, ray_ports=ports))
    jobs = scraped(text["/etc/provision/prometheus/prometheus.yml"])
    assert jobs["ray"] == ["10.0.0.1:7001", "10.0.0.2:7001"]
    assert jobs["ray_autoscaler"] + jobs["ray_dashboard"] == [
        "10.0.0.1:7002",
        "10.0.0.1:7003",
    ]


def test_ipv6_stands_in_brackets_and_ray_itself_is_asked_by_ipv4(
    secrets: Secrets,
) -> None:
    """Ray 2.60 opens its metrics ports for IPv4 alone: only the head's own are reached."""
    bound = bind(secrets, HOSTS6)
    text = contents(bound)
    jobs = scraped(text["/etc/provision/prometheus/prometheus.yml"])
    assert jobs == {
        "ray": [f"127.0.0.1:{PORTS.metrics}"],
        "ray_autoscaler": [f"127.0.0.1:{PORTS.autoscaler_metrics}"],
        "ray_dashboard": [f"127.0.0.1:{PORTS.dashboard_metrics}"],
        "node": ["[fd00::1]:9100", "[fd00::2]:9100"],
        "prometheus": ["[fd00::1]:9090"],
    }
    unit = text["provision-prometheus.service"]
    assert "--web.listen-address=[fd00::1]:9090" in unit
    unit = contents(bound, "node2")["provision-node-exporter.service"]
    assert "--web.listen-address=[fd00::2]:9100" in unit
    grafana = settings(text["/etc/provision/grafana/grafana.ini"])
    assert grafana["server"]["http_addr"] == "fd00::1"
    assert grafana["server"]["root_url"] == "http://[fd00::1]:3000"
    pages = {
        step.health
        for play in bound.plays
        for step in (one.step for one in play.steps.get("node1", ()))
        if isinstance(step, Service)
    }
    assert pages == {
        "http://[fd00::1]:9100/metrics",
        "http://[fd00::1]:9090/-/ready",
        "http://[fd00::1]:3000/api/health",
    }


def test_a_worker_gets_its_exporter_and_nothing_else(secrets: Secrets) -> None:
    bound = bind(secrets)
    assert [*contents(bound, "node2")] == ["provision-node-exporter.service"]
    unit = contents(bound, "node2")["provision-node-exporter.service"]
    assert "--web.listen-address=10.0.0.2:9100" in unit


def test_metrics_can_be_switched_off(secrets: Secrets) -> None:
    lab = Inventory.parse(HOSTS, cluster="lab")
    text = "[{play: x, hosts: all, steps: [{directory: {path: /srv}}]}]"
    other = secrets.place("x").replace("/x", "/other.yml")
    Path(other).write_text(text)
    both = playbooks.load(BOOK).plays + playbooks.load(Path(other)).plays
    book = playbooks.Playbook(both)
    bound = playbooks.bind(book, lab, secrets=secrets, sets={"metrics": False})
    assert [len(play.steps) for play in bound.plays] == [0, 0, 0, 2]


def settings(text: str) -> configparser.ConfigParser:
    read = configparser.ConfigParser(interpolation=None)
    read.read_string(text)
    return read


def test_grafana_lets_nobody_in_without_a_password_unless_told(
    secrets: Secrets,
) -> None:
    path = "/etc/provision/grafana/grafana.ini"
    closed = settings(contents(bind(secrets))[path])
    assert closed["auth.anonymous"]["enabled"] == "false"
    assert closed["security"]["allow_embedding"] == "false"
    file = "$__file{/etc/provision/grafana/admin_password}"
    assert closed["security"]["admin_password"] == file
    opened = settings(contents(bind(secrets, grafana_anonymous=True))[path])
    assert opened["auth.anonymous"]["enabled"] == "true"
    assert opened["auth.anonymous"]["org_role"] == "Viewer"
    assert opened["security"]["allow_embedding"] == "true"


def test_secrets_of_grafana_are_random_and_for_its_eyes_only(
    secrets: Secrets,
) -> None:
    files = [
        one.step
        for play in bind(secrets).plays
        for one in play.steps.get("node1", ())
        if isinstance(one.step, File) and not isinstance(one.step.content, str)
    ]
    assert {(f.owner, f.mode) for f in files} == {("provision-grafana", "400")}
    values = {f.content.get_secret_value() for f in files}  # type: ignore[union-attr]
    assert len(values) == 2
    assert min(map(len, values)) >= 32


def test_the_data_source_has_the_name_that_rays_dashboards_ask_for(
    secrets: Secrets,
) -> None:
    path = "/etc/provision/grafana/provisioning/datasources/prometheus.yml"
    [source] = yaml.safe_load(contents(bind(secrets))[path])["datasources"]
    assert (source["name"], source["isDefault"]) == ("Prometheus", True)
    assert source["url"] == "http://10.0.0.1:9090"


@pytest.mark.parametrize("name", ["prometheus", "grafana", "node-exporter"])
def test_units_are_closed_and_come_back(secrets: Secrets, name: str) -> None:
    lines = contents(bind(secrets))[f"provision-{name}.service"].splitlines()
    for line in (
        *(f"User=provision-{name}", "Restart=always", "StartLimitIntervalSec=0"),
        *("NoNewPrivileges=true", "ProtectSystem=strict", "PrivateTmp=true"),
        *("LimitNOFILE=65000", "WantedBy=multi-user.target"),
    ):
        assert line in lines
    assert any(line.startswith("ProtectHome=") for line in lines)


def panels() -> Iterator[dict[str, Any]]:
    yield from json.loads(OVERVIEW.read_text())["panels"]


@pytest.mark.parametrize("panel", list(panels()), ids=lambda panel: str(panel["title"]))
def test_a_panel_asks_our_data_source_something_whole(panel: dict[str, Any]) -> None:
    assert panel["targets"]
    assert panel["description"]
    for target in panel["targets"]:
        assert target["datasource"] == {"type": "prometheus", "uid": "prometheus"}
        text = re.sub(r'"[^"]*"', '""', target["expr"])
        for left, right in ("()", "{}", "[]"):
            assert text.count(left) == text.count(right)
        assert not re.search(r"[^\w\s(){}\[\]\"=!~<>+*/,.:-]", text)


def test_panels_neither_overlap_nor_leave_the_page() -> None:
    taken: set[tuple[int, int]] = set()
    for at in (panel["gridPos"] for panel in panels()):
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


def rules() -> Iterator[dict[str, Any]]:
    text = (ROOT / "playbooks/templates/rules.yml").read_text()
    for group in yaml.safe_load(text)["groups"]:
        yield from group["rules"]


def test_each_alert_says_what_is_wrong_and_for_how_long() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names) >= 6
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["for"]
        assert rule["annotations"]["summary"]


@needs_promtool
def test_promtool_accepts_config_rules_and_every_panel(
    secrets: Secrets, tmp_path: Path
) -> None:
    found = contents(bind(secrets, config_dir=str(tmp_path)))
    overview = [
        {"record": f"panel:{n}", "expr": target["expr"]}
        for n, panel in enumerate(panels())
        for target in panel["targets"]
    ]
    (tmp_path / "prometheus").mkdir()
    for name in ("prometheus.yml", "rules.yml"):
        text = found[f"{tmp_path}/prometheus/{name}"]
        (tmp_path / "prometheus" / name).write_text(text)
    asked = {"groups": [{"name": "overview", "rules": overview}]}
    (tmp_path / "panels.yml").write_text(yaml.safe_dump(asked))
    for words in (
        ("config", tmp_path / "prometheus/prometheus.yml"),
        ("rules", tmp_path / "panels.yml"),
    ):
        argv = [str(promtool), "check", *map(str, words)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


DISK = (
    'node_filesystem_{what}{{host="a", device="/dev/sda1", fstype="ext4", '
    'mountpoint="{place}"}}'
)


def disk_series(free: str, places: tuple[str, ...]) -> list[dict[str, str]]:
    """Return the series of node_exporter for a disk of 100 bytes mounted in *places*."""
    by_name = {"avail_bytes": free, "size_bytes": "100x4000", "readonly": "0x4000"}
    return [
        {"series": DISK.format(what=what, place=place), "values": values}
        for place in places
        for what, values in by_name.items()
    ]


def disk_alerts(at: str, *hosts: str) -> dict[str, Any]:
    summary = "the disk /dev/sda1 of a is full within 24 hours at this rate"
    labels = {"host": "a", "device": "/dev/sda1", "severity": "warning"}
    alert = {"exp_labels": labels, "exp_annotations": {"summary": summary}}
    name = "DiskFillsWithinADay"
    return {"eval_time": at, "alertname": name, "exp_alerts": [alert] * len(hosts)}


@needs_promtool
@pytest.mark.parametrize(
    ("free", "places", "alerts"),
    [
        # Four places, one disk, and full in half a day: one alert, after half a day.
        (
            "39-0.02x1900",
            ("/", "/etc/hosts", "/etc/hostname", "/var/lib/docker"),
            [disk_alerts("11h"), disk_alerts("14h", "a")],
        ),
        # An image of 30 % of the disk is pulled in ten minutes, by the first deploy or later.
        ("70-3x10 40x2000", ("/",), [disk_alerts(f"{h}h") for h in (1, 6, 13, 20, 30)]),
        (
            "39x1440 39-1x10 29x2000",
            ("/",),
            [disk_alerts(f"{h}h") for h in (25, 26, 27, 28, 30, 40)],
        ),
        ("39x4000", ("/",), [disk_alerts("40h")]),
    ],
)
def test_a_disk_that_fills_is_one_alert_and_a_deploy_is_none(
    secrets: Secrets,
    tmp_path: Path,
    free: str,
    places: tuple[str, ...],
    alerts: list[dict[str, Any]],
) -> None:
    found = contents(bind(secrets))
    (tmp_path / "rules.yml").write_text(found["/etc/provision/prometheus/rules.yml"])
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": disk_series(free, places),
                "alert_rule_test": alerts,
            }
        ],
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump(test))
    done = subprocess.run(
        [str(promtool), "test", "rules", str(tmp_path / "test.yml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
