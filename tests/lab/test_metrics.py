"""The metrics of a real cluster, asked of Prometheus, Grafana and Ray themselves."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from support.lab.commands import INVENTORY, ROOT, invoke, invoke_with_report
from support.lab.host_state import root_shell

from provision import lab

HOSTS = ("node1", "node2", "node3")
ADDRESSES = {"172.30.77.11", "172.30.77.12", "172.30.77.13"}
PROMETHEUS = "http://172.30.77.11:9090"
GRAFANA = "http://172.30.77.11:3000"
RAY = "http://172.30.77.11:8265"
JOBS = {"ray": 3, "node": 3, "ray_autoscaler": 1, "ray_dashboard": 1, "prometheus": 1}
TARGETS = sum(JOBS.values())
SECRETS = ROOT / "inventories/.provision/lab"
OVERVIEW = ROOT / "playbooks/templates/cluster_overview.json"
CONFIG = "/etc/provision/prometheus/prometheus.yml"
PROMTOOL = "/opt/provision/prometheus/current/promtool"

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]


@pytest.fixture(scope="module", autouse=True)
def deployed(running_lab: object) -> None:
    """A cluster; one that is there already is taken as it is."""
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)


def secret(name: str) -> str:
    return (SECRETS / name).read_text().strip()


def get(url: str, authorization: str = "") -> Any:
    headers = {"Authorization": authorization} if authorization else {}
    with urlopen(Request(url, headers=headers), timeout=10) as answer:
        return json.loads(answer.read())


def code(url: str, authorization: str = "") -> int:
    try:
        get(url, authorization)
    except HTTPError as error:
        error.close()
        return error.code
    return 200


def basic(user: str, password: str) -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def query(expression: str) -> list[dict[str, Any]]:
    """Return the answer of Prometheus to *expression*."""
    asked = urlencode({"query": expression})
    answer = get(f"{PROMETHEUS}/api/v1/query?{asked}")
    assert answer["status"] == "success", answer
    result: list[dict[str, Any]] = answer["data"]["result"]
    return result


def eventually(true: Callable[[], bool], limit_s: float = 90) -> None:
    """Wait until *true* is; a server that is not there (yet) is no answer."""
    deadline = time.monotonic() + limit_s
    while True:
        try:
            if true():
                return
        except (URLError, OSError):
            pass
        assert time.monotonic() < deadline, f"not in {limit_s} s"
        time.sleep(1)


def all_up(since: str = "") -> bool:
    """Return True if Prometheus calls all targets up; one that has just started does not yet.

    Args:
        since: they must have been asked after this time, as `now` has it.
    """
    found = get(f"{PROMETHEUS}/api/v1/targets?state=active")["data"]["activeTargets"]
    asked = [target["lastScrape"] > since for target in found]
    return all(asked) and [t["health"] for t in found] == ["up"] * TARGETS


def now() -> str:
    """The time as Prometheus writes it; the hosts have the clock of this machine."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())


def test_prometheus_itself_says_that_every_target_is_up() -> None:
    up = query("up")
    assert {one["value"][1] for one in up} == {"1"}
    jobs = [one["metric"]["job"] for one in up]
    assert {job: jobs.count(job) for job in jobs} == JOBS


def test_every_node_reports_its_cpus() -> None:
    found = {
        n["metric"]["ip"]: float(n["value"][1]) for n in query("ray_node_cpu_count")
    }
    assert found.keys() == ADDRESSES
    assert min(found.values()) > 0


def expressions() -> Iterator[str]:
    """Queries of the panels of the overview, without those about GPUs: the lab has none."""
    for panel in json.loads(OVERVIEW.read_text())["panels"]:
        if not panel["title"].startswith("GPU"):
            yield from (target["expr"] for target in panel["targets"])


@pytest.mark.parametrize("expression", list(expressions()))
def test_a_panel_of_the_overview_has_data(expression: str) -> None:
    eventually(lambda: bool(query(expression)), 60)


def test_prometheus_own_tool_accepts_what_lies_on_the_host() -> None:
    printed = lab.run("node1", PROMTOOL, "check", "config", CONFIG)
    assert "rule files found" in printed


def test_no_alert_fires_on_a_cluster_that_is_well() -> None:
    found = get(f"{PROMETHEUS}/api/v1/rules")["data"]["groups"]
    rules = [rule for group in found for rule in group["rules"]]
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}
    assert len(rules) >= 6
    assert query('ALERTS{alertstate="firing"}') == []
    # After a deploy Prometheus needs a scrape or two to see that all is well.
    eventually(lambda: query("ALERTS") == [], 60)


def test_rays_dashboard_finds_prometheus_and_grafana() -> None:
    token = f"Bearer {secret('ray_token')}"
    for what in ("prometheus", "grafana"):
        answer = get(f"{RAY}/api/{what}_health", token)
        assert answer["result"] is True, answer


def test_grafana_wants_the_password_that_was_made() -> None:
    page = f"{GRAFANA}/api/datasources"
    assert code(page) == 401
    assert code(page, basic("admin", "admin")) == 401
    [source] = get(page, basic("admin", secret("grafana_admin_password")))
    assert (source["name"], source["url"]) == ("Prometheus", PROMETHEUS)


def test_grafana_has_our_dashboard_and_those_of_this_ray() -> None:
    admin = basic("admin", secret("grafana_admin_password"))
    found = {one["uid"] for one in get(f"{GRAFANA}/api/search", admin)}
    assert {"cluster-overview", "rayDefaultDashboard", "rayDataDashboard"} <= found
    proxy = f"{GRAFANA}/api/datasources/proxy/uid/prometheus/api/v1/query?query=up"
    assert len(get(proxy, admin)["data"]["result"]) == TARGETS


def test_the_password_is_in_no_process_and_no_readable_file() -> None:
    password = secret("grafana_admin_password")
    assert len(password) >= 32
    running = root_shell(
        "node1", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' ' '"
    )
    assert password not in running
    mode = root_shell("node1", "stat -c '%a %U' /etc/provision/grafana/admin_password")
    assert mode.split() == ["400", "provision-grafana"]


def test_services_run_as_users_of_their_own_on_the_clusters_address() -> None:
    shells = root_shell(
        "node1", "getent passwd | grep ^provision | cut -d: -f7 | sort -u"
    )
    assert shells.split() == ["/usr/sbin/nologin"]
    listening = root_shell("node1", "ss -Hltn | awk '{print $4}'").split()
    assert {f"172.30.77.11:{port}" for port in (3000, 9090, 9100)} <= set(listening)
    for port in (3000, 9090, 9100):
        assert not [at for at in listening if at in (f"0.0.0.0:{port}", f"*:{port}")]


def test_invoke_metrics_shows_targets_and_addresses() -> None:
    done = invoke("metrics").expect_exit(0)
    assert f"{TARGETS} of {TARGETS} targets up" in done.output
    for words in (PROMETHEUS, GRAFANA, RAY, "grafana_admin_password", "s ago"):
        assert words in done.output


def test_a_second_deploy_changes_nothing(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done, found = invoke_with_report("deploy", "--inventory", INVENTORY, report=report)
    done.expect_exit(0)
    seen = {(h["changed"], h["round_trips"]) for h in found["hosts"].values()}
    assert seen == {(0, 1)}


def test_a_config_that_promtool_refuses_changes_nothing() -> None:
    probe = f"sha256sum {CONFIG}; ls -A /etc/provision/prometheus"
    before = root_shell("node1", probe)
    wrong = ("--tags", "metrics", "--set", "metrics_interval_s=never")
    done = invoke("deploy", "--inventory", INVENTORY, *wrong).expect_exit(2)
    assert "promtool refuses it" in done.output
    assert root_shell("node1", probe) == before
    assert all_up()


def test_a_target_that_is_down_is_seen() -> None:
    root_shell("node3", "systemctl stop provision-node-exporter")
    eventually(lambda: not all_up(), 40)
    done = invoke("metrics").expect_exit(3)
    assert f"{TARGETS - 1} of {TARGETS} targets up" in done.output
    assert "connection refused" in done.output
    status = invoke("status").expect_exit(3)
    assert f"{TARGETS - 1} of {TARGETS} targets up" in status.output
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)
    assert all_up(), "deploy waits until it is"


def test_a_killed_prometheus_comes_back() -> None:
    root_shell("node1", "systemctl kill --signal=KILL provision-prometheus")
    eventually(all_up)


STARTED = "docker inspect --format '{{.State.StartedAt}}' ray-lab"


FOREIGN = (
    "systemctl stop provision-grafana; "
    "systemd-run -q --unit foreign /opt/provision/node_exporter/current/node_exporter "
    "--web.listen-address=:3000; sleep 2"
)


def test_another_process_at_the_port_is_not_taken_for_grafana() -> None:
    lab.run("node1", "sh", "-c", FOREIGN)
    try:
        for command in ("plan", "deploy"):
            refused = invoke(command, "--inventory", INVENTORY).expect_exit(2)
            assert "port 3000 belongs to another process" in refused.output
            assert "node_exporter" in refused.output
        seen = invoke("status", "--inventory", INVENTORY)
        assert seen.code != 0
        assert "port 3000 belongs to another process" in seen.output
    finally:
        lab.run("node1", "systemctl", "stop", "foreign")
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)


@pytest.mark.long  # a minute passes until it is known not to be starting
def test_a_service_that_runs_and_does_not_listen_is_a_difference() -> None:
    stop = "systemctl stop provision-grafana; mkdir -p /run/systemd/system/{0}; {1}"
    folder = "provision-grafana.service.d"
    idle = f"printf '[Service]\\nExecStart=\\nExecStart=/bin/sleep 900\\n' >/run/systemd/system/{folder}/idle.conf"
    lab.run("node1", "sh", "-c", stop.format(folder, idle))
    lab.run(
        "node1",
        "sh",
        "-c",
        "systemctl daemon-reload; systemctl start provision-grafana",
    )
    try:
        time.sleep(61)
        differs = invoke("verify", "--inventory", INVENTORY).expect_exit(3)
        assert "listener: nobody -> its own process" in differs.output
    finally:
        clear = f"rm -r /run/systemd/system/{folder}; systemctl daemon-reload"
        lab.run("node1", "sh", "-c", clear)
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)
    assert code(f"{GRAFANA}/api/health") == 200


def test_a_replaced_ray_container_is_scraped_again() -> None:
    was = root_shell("node2", STARTED)
    root_shell("node2", "docker restart -t 1 ray-lab")
    restarted = now()
    assert root_shell("node2", STARTED) != was, "it runs since another time now"
    # It may be back before Prometheus has noticed that it was away.
    eventually(lambda: all_up(restarted), 180)


@pytest.mark.long
def test_a_rebooted_head_is_watched_again_with_nobodys_help() -> None:
    lab.reboot("node1")
    eventually(all_up, 240)
    eventually(lambda: len(query("ray_cluster_active_nodes")) >= len(HOSTS), 120)


LEFT = r"""
ls -d /var/lib/provision* /etc/provision* /opt/provision* /run/provision-started.provision-* \
    /etc/systemd/system/*provision* /etc/systemd/system/*/*provision* 2>/dev/null
getent passwd | grep '^provision'; getent group | grep '^provision'
systemctl list-units --all --no-legend 'provision*'
ss -Hltn | grep -E ':(3000|9090|9100) '
pgrep -l 'prometheus|node_exporter|grafana'
true
"""


class TestTeardown:
    """In this order, on the cluster the tests before it used."""

    def test_the_series_can_stay(self) -> None:
        words = ("--inventory", INVENTORY, "--yes")
        invoke("teardown", *words, "--keep-data").expect_exit(0)
        left = root_shell("node1", LEFT).split()
        assert [word for word in left if word.startswith("/")] == [
            "/var/lib/provision_metrics"
        ]
        assert root_shell("node1", "ls /var/lib/provision_metrics").split() == [
            "prometheus"
        ]
        assert root_shell(
            "node1", "ls /var/lib/provision_metrics/prometheus/wal"
        ).split()

    def test_nothing_is_left(self) -> None:
        invoke("teardown", "--inventory", INVENTORY, "--yes").expect_exit(0)
        for host in HOSTS:
            assert root_shell(host, LEFT) == "", host
