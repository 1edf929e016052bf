"""JupyterLab in the head's container: installed from wheels, used, and ended."""

from __future__ import annotations

import json
import platform
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.lab.commands import INVENTORY, ROOT, argv, invoke
from support.lab.host_state import root_shell

from provision.lab.paths import LabPaths
from provision.lab.supplies.images import WHEEL_KINDS

LIMIT_S = 300
IN_HEAD = "docker exec ray-lab"
pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def wheels() -> Path:
    """The wheels of JupyterLab and pip for the Python of the lab's image."""
    folder = LabPaths.find().cache / "wheels-jupyterlab"
    if not folder.exists():
        part = folder.with_suffix(".part")
        kinds = [f"--platform={one}_{platform.machine()}" for one in WHEEL_KINDS]
        line = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(part)]
        version = ("--only-binary=:all:", "--python-version=3.11")
        subprocess.run([*line, *version, *kinds, "jupyterlab", "pip"], check=True)
        part.rename(folder)
    return folder


@pytest.fixture
def cluster(running_lab: object) -> Iterator[None]:
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)
    root_shell("node1", f"{IN_HEAD} rm -rf /tmp/provision-notebook")
    yield
    root_shell("node1", f"{IN_HEAD} rm -rf /tmp/provision-notebook")


def answer(link: str, path: str, body: bytes | None = None) -> Any:
    """The answer of Jupyter's own interface."""
    place, _, token = link.partition("/lab?token=")
    headers = {"Authorization": f"token {token}"}
    request = urllib.request.Request(f"{place}{path}", body, headers)
    with urllib.request.urlopen(request, timeout=60) as found:
        return json.loads(found.read())


def servers() -> str:
    """The arguments of JupyterLab's processes; the image has no pgrep."""
    look = "cat /proc/[0-9]*/cmdline | tr '\\0' '\\n' | grep '^--[S]erverApp.port=' || true"
    return root_shell("node1", f'{IN_HEAD} sh -c "{look}"')


def test_it_is_installed_used_and_ended(cluster: None, wheels: Path) -> None:
    of = ("notebook", "--inventory", INVENTORY)
    refused = invoke(*of).expect_exit(2).output
    assert "JupyterLab is not in the image of the cluster" in refused
    with subprocess.Popen(
        argv(*of, "--wheels", str(wheels), "--json"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout and child.stderr
        line = child.stdout.readline()
        assert line, child.stderr.read()
        link = json.loads(line)["link"]
        assert answer(link, "/api/status")["kernels"] == 0
        kernel = answer(link, "/api/kernels", b"{}")
        assert kernel["name"] == "python3"
        with urllib.request.urlopen(link, timeout=60) as page:
            assert b"JupyterLab" in page.read()
        assert "ServerApp.port=" in servers()
        see_rays_python()
        child.send_signal(signal.SIGINT)
        assert child.wait(60) == 0
    ends = time.monotonic() + 60
    while servers():
        assert time.monotonic() < ends
        time.sleep(1)


def see_rays_python() -> None:
    """See that the kernels' Python has the cluster's Ray, which was not installed again."""
    place = "/tmp/provision-notebook/bin/python -c 'import ray; print(ray.__file__)'"
    assert "/tmp/provision-notebook" not in root_shell("node1", f"{IN_HEAD} {place}")
