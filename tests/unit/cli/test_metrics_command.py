"""The command `metrics`: targets, addresses, and what is wrong."""

from __future__ import annotations

import contextlib
import io
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from provision import cli
from provision.config.inventory import Host, Inventory
from provision.config.playbook import Play, Playbook
from provision.errors import HostError, InventoryError
from provision.model.shell import Reply, Sh
from provision.ray import metrics as module
from provision.ray.steps.node.roles import RayHead
from provision.ray.steps.prometheus_targets import PrometheusTargets

INVENTORY = {
    "head": {"hosts": {"node1": {"address": "10.0.0.1"}}},
    "workers": {"hosts": {}},
}
NOW = datetime(2026, 11, 24, 19, 0, 30, tzinfo=UTC)
AGO = (NOW - timedelta(seconds=4)).isoformat().replace("+00:00", ".123456789Z")


def target(
    job: str, health: str, error: str = "", scraped: str = AGO
) -> dict[str, Any]:
    labels = {"job": job, "instance": "10.0.0.1:1", "host": "node1"}
    return {
        "labels": labels,
        "health": health,
        "lastError": error,
        "lastScrape": scraped,
    }


def answer(*targets: dict[str, Any]) -> Reply:
    body = json.dumps({"status": "success", "data": {"activeTargets": targets}})
    date = format_datetime(NOW, usegmt=True)
    return Reply(f"HTTP/1.0 200 OK\r\nDate: {date}\r\n\r\n{body}")


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch) -> None:
    """A playbook `deploy` made in Python, so that no file decides here."""
    head = RayHead(
        cluster="lab",
        image="rayproject/ray:2.60.0",
        address="10.0.0.1",
        data_dir="/data",
        prometheus="http://10.0.0.1:9090",
        grafana="http://127.0.0.1:3000",
        grafana_for_browsers="https://lab.example/grafana",
    )
    steps = (head, PrometheusTargets(host="10.0.0.1"))
    plays = Playbook((Play(play="all", hosts="head", steps=steps),))
    monkeypatch.setattr("provision.config.playbook.load", lambda *path: plays)


def answers(monkeypatch: pytest.MonkeyPatch, reply: Reply) -> None:
    def ask(host: Host, sh: Sh, limit_s: float) -> Reply:
        assert (host.name, sh.params["host"]) == ("node1", "10.0.0.1")
        return reply

    monkeypatch.setattr(module, "ask", ask)


def screen(folder: Path) -> tuple[int, str]:
    """Exit code and output of `provision metrics`."""
    (folder / "lab.yml").write_text(json.dumps(INVENTORY))
    out = io.StringIO()
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(out),
    ):
        try:
            cli.main(["provision", "metrics", "--inventory", "lab.yml"])
        except SystemExit as ended:
            return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


@pytest.mark.usefixtures("book")
def test_all_up_ends_with_0_and_shows_the_addresses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answers(monkeypatch, answer(target("ray", "up"), target("node", "up")))
    code, text = screen(tmp_path)
    assert code == 0
    rows = [line.split() for line in text.splitlines()[1:3]]
    assert rows[0] == ["node", "10.0.0.1:1", "node1", "up", "4", "s", "ago"]
    assert "2 of 2 targets up" in text
    assert "Grafana        https://lab.example/grafana" in text
    assert "Prometheus     http://10.0.0.1:9090" in text
    assert ".provision/lab/grafana_admin_password" in text.replace("\n", "")


@pytest.mark.usefixtures("book")
def test_one_down_ends_with_3_and_its_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    never = target("node", "unknown", scraped="0001-01-01T00:00:00Z")
    down = target("ray", "down", "connection refused")
    answers(monkeypatch, answer(down, never))
    code, text = screen(tmp_path)
    assert code == 3
    assert "connection refused" in text
    assert "never" in text
    assert "0 of 2 targets up" in text


@pytest.mark.usefixtures("book")
def test_a_prometheus_that_does_not_answer_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers(monkeypatch, Reply(""))
    with pytest.raises(HostError, match=r"does not answer at 10\.0\.0\.1:9090"):
        module.metrics(Inventory.parse(INVENTORY, cluster="lab"))


def test_a_cluster_without_metrics_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provision.config.playbook.load", lambda *path: Playbook(()))
    monkeypatch.setattr(module, "head_steps", lambda *about: iter(()))
    with pytest.raises(InventoryError, match="has no metrics"):
        module.metrics(Inventory.parse(INVENTORY))


def test_a_password_from_the_environment_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from provision.secrets.credentials import Credentials
    from provision.secrets.store import SecretMode, Secrets

    given = {"PROVISION_GRAFANA_ADMIN_PASSWORD": "x"}
    secrets = Secrets(Path("/none"), SecretMode.READ, Credentials(environment=given))
    place = secrets.place("grafana_admin_password")
    assert place == "$PROVISION_GRAFANA_ADMIN_PASSWORD"
