"""doctor finds nothing on healthy hosts, whatever they are and have."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import Any

import pytest
from support.lab.commands import ROOT, argv, invoke
from support.lab.host_state import HOSTS, root_shell

from provision import lab

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(900)]
PAGE = ROOT / "docs/doctor.md"
HEAD = "| healthy hosts | what doctor said |\n|---|---|\n"
INSTALL = "apt-get update -q; apt-get install -y -q --no-install-recommends"


def bare() -> None:
    lab.up(3, progress=print, networks=1)
    lab.reset(HOSTS)


def with_an_engine() -> None:
    """Hosts with a Docker engine, a service and a user of somebody else."""
    bare()
    for host in HOSTS:
        root_shell(host, f"{{ {INSTALL} docker.io; useradd ann; }} >/dev/null 2>&1")
        root_shell(host, "docker volume create theirs; mkdir -p /srv/data")


def deployed() -> None:
    bare()
    invoke("deploy", "--inventory", "lab.yml").expect_exit(0)


def with_two_networks() -> None:
    bare()
    lab.up(3, progress=print, networks=2)


def of_debian_13() -> None:
    lab.down(keep_cache=True)
    lab.up(3, progress=print, system="debian13")


LABS: dict[str, Callable[[], None]] = {
    "three bare hosts of Debian 12": bare,
    "the same, with a second network": with_two_networks,
    "the same, with a Docker engine of somebody else": with_an_engine,
    "a deployed cluster": deployed,
    "three bare hosts of Debian 13": of_debian_13,
}


@pytest.fixture(scope="module", autouse=True)
def afterwards() -> Iterator[None]:
    """The lab is removed: the last one was of another system."""
    yield
    lab.down(keep_cache=True)


@pytest.mark.parametrize("name", LABS)
def test_nothing_is_found(name: str) -> None:
    LABS[name]()
    done = subprocess.run(
        argv("doctor", "--inventory", "lab.yml", "--json", "--strict"),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    found = json.loads(done.stdout)
    assert (found["failures"], found["warnings"]) == ([], [])
    assert (found["ok"], done.returncode) == (True, 0)
    record(name, found)


def record(name: str, found: dict[str, Any]) -> None:
    """With PROVISION_KEEP set: keep what doctor said in the table of the page."""
    if not os.environ.get("PROVISION_KEEP"):
        return
    before, _, rest = PAGE.read_text().partition(HEAD)
    table = list(
        takewhile(lambda line: line.startswith("|"), rest.splitlines(keepends=True))
    )
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in table}
    count, pairs = len(found["hosts"]), found["pairs"]["tested"]
    rows[name] = f"| {name} | nothing: {count} hosts, {pairs} connections tried |\n"
    kept = [rows[one] for one in LABS if one in rows]
    PAGE.write_text("".join([before, HEAD, *kept, rest.removeprefix("".join(table))]))
