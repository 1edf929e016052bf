"""Ray from a git repository of its sources, on two hosts with neither git nor Docker.

The sources are those of the wheel that the lab has, with a file of tests; so they are of its
version, and of the commit that the test makes. In this order, on one cluster.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.lab.commands import INVENTORY, ROOT, CommandResult, invoke
from support.lab.commands import invoke_with_report as with_report
from support.lab.host_state import root_shell, states
from support.python.git_repository import RayRepository

from provision import lab
from provision.lab.paths import LabPaths
from provision.lab.supplies.images import RAY_VERSION, ray_wheels
from provision.lab.system import DEBIAN_12

HOSTS = ("node1", "node2")
MOST_ROUND_TRIPS = 20
"""Of a first deploy, without metrics: the wheels alone were 95."""
NOT_IN_GIT = {"generated", "thirdparty_files"}
TESTS = {
    "python/ray/tests/__init__.py": "",
    "python/ray/tests/conftest.py": """
import pytest
import ray

@pytest.fixture
def ray_start_regular():
    yield ray.init("local", num_cpus=1, include_dashboard=False)
    ray.shutdown()
""",
    "python/ray/tests/test_mini.py": """
import ray

def test_basic_task_api(ray_start_regular):
    @ray.remote
    def f():
        return 1
    assert ray.get(f.remote()) == 1
""",
}
WHO = 'python -c "import ray; print(ray.__commit__)"'
pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Cluster:
    """Two hosts of the lab, in an inventory of their own, and the sources for them."""

    inventory: Path
    repository: RayRepository

    def invoke(self, command: str, *words: str, code: int = 0) -> str:
        return self.run(command, *words).expect_exit(code).output

    def run(self, command: str, *words: str) -> CommandResult:
        return invoke(command, "--inventory", str(self.inventory), *words)

    def deploy(self) -> tuple[int, int]:
        """Deploy; return the most changes and the most round trips of a host."""
        report = self.inventory.with_suffix(".json")
        done, found = with_report(
            "deploy", "--inventory", str(self.inventory), report=report
        )
        done.expect_exit(0)
        hosts = found["hosts"].values()
        return max(h["changed"] for h in hosts), max(h["round_trips"] for h in hosts)

    def commits(self) -> set[str]:
        """Return the commits that the nodes themselves say they run."""
        run = "sh /var/lib/provision-lab/process/run"
        return {root_shell(host, f"cd /; {run} {WHO}").strip() for host in HOSTS}


def sources(wheel: Path) -> dict[str, str]:
    """Return the Python files of *wheel* that are in Ray's repository, by their paths."""
    found = {}
    with zipfile.ZipFile(wheel) as packed:
        for name in packed.namelist():
            is_source = name.startswith("ray/") and name.endswith(".py")
            if is_source and NOT_IN_GIT.isdisjoint(name.split("/")):
                text = packed.read(name).decode("utf-8", "surrogateescape")
                found[f"python/{name}"] = text
    about = "python/ray/_version.py"
    commit = re.compile(r'^commit = ".*"$', re.MULTILINE)
    return {**found, about: commit.sub('commit = "dev"', found[about])}


def with_pytest(wheels: Path, folder: Path) -> Path:
    """Return *folder* with *wheels*, and with those of pytest."""
    folder.mkdir()
    for wheel in wheels.glob("*.whl"):
        (folder / wheel.name).symlink_to(wheel)
    fetch = ("--only-binary=:all:", "--python-version=3.11", "--dest", str(folder))
    words = [sys.executable, "-m", "pip", "download", "--quiet", *fetch, "pytest"]
    subprocess.run(words, check=True)
    return folder


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
    folder = tmp_path_factory.mktemp("source")
    wheels = with_pytest(ray_wheels(LabPaths.find()), folder / "wheels")
    repository = RayRepository(folder / "ray")
    [wheel] = wheels.glob("ray-*.whl")
    repository.commit({**sources(wheel), **TESTS}, "")
    inventory = folder / "lab.yml"
    text = (ROOT / INVENTORY).read_text()
    text = re.sub(r"\n +node3: .*", "", text).replace("../.lab", f"{ROOT}/.lab")
    own = {
        "ray_runtime": "source",
        "ray_source": json.dumps({"url": repository.url, "ref": "main"}),
        "ray_wheels": wheels,
        "ray_packages": "[pytest]",
        "metrics": "false",
    }
    lines = "".join(f"    {name}: {value}\n" for name, value in own.items())
    inventory.write_text(
        text.replace("    cluster: lab", f"{lines}    cluster: lab", 1)
    )
    yield Cluster(inventory, repository)
    lab.reset(list(HOSTS))


def test_a_deploy_brings_the_sources_and_the_second_changes_nothing(
    cluster: Cluster,
) -> None:
    _, round_trips = cluster.deploy()
    assert round_trips <= MOST_ROUND_TRIPS
    assert cluster.deploy() == (0, 1)
    commit = cluster.repository.head()
    assert cluster.commits() == {commit}
    for host in HOSTS:
        assert root_shell(host, "command -v git docker || true") == ""
    shown = cluster.invoke("status")
    running = f"source {commit[:10]} {RAY_VERSION} running healthy"
    assert shown.count(running) == len(HOSTS)
    assert "0*0" in cluster.invoke("smoke")


def test_another_commit_is_planned_by_its_number_and_goes_back(
    cluster: Cluster,
) -> None:
    first = cluster.repository.head()
    new = "WHO = 'another'\n"
    second = cluster.repository.commit({"python/ray/util/who.py": new}, "")
    assert f"commit: {first} -> {second}" in cluster.invoke("plan", code=3)
    cluster.deploy()
    assert cluster.commits() == {second}
    assert "0*0" in cluster.invoke("smoke")
    assert "runs as before the last deploy" in cluster.invoke("rollback")
    assert cluster.commits() == {first}
    cluster.deploy()
    assert cluster.commits() == {second}
    assert cluster.deploy() == (0, 1)


def test_a_file_of_tests_runs_on_the_head(cluster: Cluster) -> None:
    passed = cluster.invoke("ray.test")
    assert "1 passed" in passed
    assert "python/ray/tests/test_mini.py passed on node1" in passed
    none = "python/ray/tests/test_none.py"
    assert f"have no {none}" in cluster.invoke("ray.test", "--file", none, code=2)
    assert "running healthy" in cluster.invoke("status")


def test_nothing_is_left(cluster: Cluster, before: dict[str, list[str]]) -> None:
    cluster.invoke("teardown", "--yes", "--level", "engine")
    now = states()
    for host in HOSTS:
        assert set(now[host]) ^ set(before[host]) == set(), host
