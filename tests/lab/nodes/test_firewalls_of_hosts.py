"""Firewalls that were on before the first deploy: each error has the command that goes on.

ufw and firewalld are the real programs, on a worker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.lab.commands import INVENTORY, invoke, invoke_with_report
from support.lab.host_state import HOSTS, root_shell
from support.lab.other_packages import install

from provision import lab

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1200)]
WORKER = "node3"
FIREWALLS = {
    "ufw": (
        ("ufw",),
        "ufw allow ssh; ufw --force enable",
        "ufw status | head -n 1",
        "Status: active",
    ),
    # The zone of its default lets SSH in.
    "firewalld": (
        ("firewalld", "netbase"),
        "systemctl enable -q --now firewalld",
        "firewall-cmd --state",
        "running",
    ),
}
MOST_ERRORS = 4


@pytest.fixture
def bare(running_lab: list[lab.VirtualHost]) -> Iterator[None]:
    lab.reset(HOSTS)
    yield
    lab.reset(HOSTS)


@pytest.mark.parametrize("metrics", ["false", "true"])
@pytest.mark.parametrize("name", FIREWALLS)
def test_what_the_errors_say_is_done_until_it_works(
    name: str, metrics: str, bare: None, tmp_path: Path
) -> None:
    packages, switch_on, ask, is_on = FIREWALLS[name]
    install(WORKER, *packages)
    root_shell(WORKER, switch_on)
    assert root_shell(WORKER, ask).strip() == is_on
    words = ("--inventory", INVENTORY, "--set", f"metrics={metrics}")
    done = 0
    for _ in range(MOST_ERRORS):
        deploy, report = invoke_with_report(
            "deploy", *words, report=tmp_path / "report.json"
        )
        if deploy.code == 0:
            break
        commands = _commands(report, name)
        assert commands, deploy.output
        for command in commands:
            root_shell(WORKER, command)
        done += len(commands)
    deploy.expect_exit(0)
    assert done, "the firewall was found"
    assert root_shell(WORKER, ask).strip() == is_on
    again = invoke("deploy", *words).expect_exit(0)
    assert "0 changed" in again.output


def _commands(report: dict[str, object], name: str) -> list[str]:
    """Return the commands for firewall *name* in the hints of all errors."""
    program = {"ufw": "ufw ", "firewalld": "firewall-cmd "}[name]
    hints = " ".join(_hints(report))
    found = re.findall(r"`([^`]*)`", hints)
    return [command for command in dict.fromkeys(found) if command.startswith(program)]


def _hints(found: object) -> Iterator[str]:
    if isinstance(found, dict):
        if isinstance(hint := found.get("hint"), str):
            yield hint
        for part in found.values():
            yield from _hints(part)
    elif isinstance(found, list):
        for part in found:
            yield from _hints(part)
