"""`ray.test` on this machine: real pytest, in an environment and a node that the test makes."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.printed.schemas import check

from provision.cli.program import main
from provision.config.inventory import Inventory
from provision.errors import HostError, InputError
from provision.ray.testing import ray_test
from provision.ray.testing.advice import advice
from provision.ray.testing.ray_test import RayTest, run_ray_test

pytestmark = pytest.mark.slow
COMMIT = "0123456789abcdef0123456789abcdef01234567"
RUN = """
export RAY_gcs_storage_path=/tables RAY_ADDRESS=10.0.0.1:6379 RAY_AUTH_TOKEN_PATH=/token
exec "$@"
"""
FILES = {
    "__init__.py": "",
    "tests/__init__.py": "",
    "tests/conftest.py": """
import pytest
from ray.util import number
@pytest.fixture
def ray_start_regular(): return number
""",
    "util.py": "number = 1\n",
    "tests/test_mini.py": """
import os
def test_regular(ray_start_regular): assert ray_start_regular == 1
def test_environment():
    own = {n: v for n, v in os.environ.items() if n.startswith("RAY_")}
    assert own == {"RAY_AUTH_TOKEN_PATH": "/token", "RAY_TMPDIR": os.environ["HOME"]}
    assert os.path.isdir(own["RAY_TMPDIR"])
""",
    "tests/test_fails.py": "def test_it(): assert 1 + 1 == 3\ndef test_well(): pass\n",
    "tests/test_fixture.py": "def test_it(shutdown_only): pass\n",
    "tests/test_module.py": "import not_there_at_all\n",
    "tests/test_hangs.py": "import time\ndef test_it(): time.sleep(50)\n",
    "tests/old/__init__.py": "",
    "tests/old/conftest.py": "from ray.util import find_available_port\n",
    "tests/old/test_old.py": "def test_it(): pass\n",
    "rllib/tests/test_rllib.py": "def test_it(): pass\n",
}


@pytest.fixture
def data() -> Iterator[Path]:
    """A folder for Ray; its sockets need a short path."""
    with tempfile.TemporaryDirectory(prefix="rt", dir="/tmp") as folder:
        yield Path(folder, "d")


@pytest.fixture
def cluster(tmp_path: Path, data: Path) -> Inventory:
    """A head that is this machine; its node is a folder, and its Ray a few files."""
    environment, process = tmp_path / "env", data / "process"
    packages = environment / "lib/python3.11/site-packages"
    for name, text in FILES.items():
        path = packages / "ray" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (environment / "bin").mkdir()
    # The real one has pytest in its own packages.
    python = environment / "bin/python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (environment / ".source").write_text(f"{COMMIT} 2.60.0-01234567\n")
    process.mkdir(parents=True)
    (process / "environment").symlink_to(environment)
    (process / "run").write_text(f"PATH={environment}/bin:$PATH{RUN}")
    (process / "user").write_text("root\n")
    host = {"ansible_connection": "local", "address": "127.0.0.2"}
    sets = {"ray_runtime": "pip", "data_dir": str(data), "ray_user": "root"}
    return Inventory.parse(
        {"head": {"hosts": {"node1": {**host, **sets}}}, "workers": {}},
        cluster="tested",
    )


def run(cluster: Inventory, name: str, *words: str, limit_s: int = 60) -> RayTest:
    return run_ray_test(cluster, f"python/ray/tests/{name}", *words, limit_s=limit_s)


def test_a_file_passes_with_a_ray_of_its_own(cluster: Inventory) -> None:
    result = run_ray_test(cluster)
    assert result.passed, result.lines
    assert (result.exit, result.commit, result.host) == (0, COMMIT, "node1")
    assert "2 passed" in result.lines[-1]
    assert run_ray_test(cluster, "rllib/tests/test_rllib.py").passed
    assert not list(Path("/tmp").glob("ray-test.*"))


def test_one_that_fails_has_pytests_exit_code_and_last_lines(
    cluster: Inventory,
) -> None:
    result = run(cluster, "test_fails.py")
    assert (result.exit, result.passed, result.advice) == (1, False, "")
    assert "1 failed, 1 passed" in result.lines[-1]
    assert any("assert (1 + 1) == 3" in line for line in result.lines)
    assert run(cluster, "test_fails.py::test_well").exit == 0
    assert run(cluster, "test_fails.py", "-k", "well").exit == 0
    assert run(cluster, "test_fails.py", "-k", "none").exit == 5


def test_one_that_hangs_is_ended(cluster: Inventory) -> None:
    assert run(cluster, "test_hangs.py", limit_s=2).exit == 124
    assert not list(Path("/tmp").glob("ray-test.*"))


def test_a_conftest_of_another_commit_is_recognised(cluster: Inventory) -> None:
    result = run(cluster, "old/test_old.py")
    assert result.exit == 4
    assert "the tests use find_available_port" in result.advice
    assert "of another commit" in result.advice


def test_what_else_keeps_tests_from_running_is_recognised(cluster: Inventory) -> None:
    assert (
        "the package that has not_there_at_all" in run(cluster, "test_module.py").advice
    )
    assert "has the fixture shutdown_only" in run(cluster, "test_fixture.py").advice
    assert "has no ray.new" in advice("No module named 'ray.new'")
    assert advice("E   assert 1 == 2") == ""


def test_no_pytest_is_refused_with_what_to_install(
    cluster: Inventory, tmp_path: Path
) -> None:
    python = tmp_path / "env/bin/python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    with pytest.raises(HostError, match="there is no pytest") as refused:
        run_ray_test(cluster)
    assert "add pytest to ray_packages" in refused.value.hint


def test_a_file_that_is_not_there_is_refused(
    cluster: Inventory, tmp_path: Path, data: Path
) -> None:
    with pytest.raises(
        HostError, match=r"the sources at 0123456789 have no python/ray/te"
    ):
        run(cluster, "test_none.py")
    (tmp_path / "env/.source").unlink()
    with pytest.raises(HostError, match="a wheel has no") as refused:
        run(cluster, "test_none.py")
    assert "ray_runtime: source" in refused.value.hint
    (data / "process/run").unlink()
    with pytest.raises(HostError, match="there is no Ray node"):
        run_ray_test(cluster)


@pytest.mark.parametrize(
    "file", ["", "test_mini.py", "/etc/passwd", "python/ray/../../x.py", "python/ray/a"]
)
def test_what_is_no_file_of_rays_is_refused_before_a_host_is_asked(
    cluster: Inventory, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_test, "ask", None)
    with pytest.raises(InputError, match="is no file of tests of Ray"):
        run_ray_test(cluster, file)


def test_ray_in_containers_has_no_tests(cluster: Inventory) -> None:
    with pytest.raises(InputError, match="whose images have none of Ray's tests"):
        run_ray_test(cluster, sets={"ray_runtime": "docker"})


def test_the_command_prints_the_last_lines_and_ends_as_pytest_does(
    cluster: Inventory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inventory = tmp_path / "lab.yml"
    variables: dict[str, Any] = {**cluster.hosts["node1"].vars, "cluster": "tested"}
    inventory.write_text(
        json.dumps({"head": {"hosts": {"node1": variables}}, "workers": {}})
    )
    file = "python/ray/tests/test_fails.py"
    words = ["ray.test", "-i", str(inventory), "--file", file]
    assert exit_code(words) == 1
    printed = capsys.readouterr().out
    assert "1 failed, 1 passed" in printed
    assert f"{file} failed (exit code 1) on node1, sources at 0123456789" in printed
    assert exit_code([*words, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    check("ray.test", document)
    assert (document["exit"], document["passed"]) == (1, False)


def exit_code(words: list[str]) -> int:
    try:
        main(["provision", *words])
    except SystemExit as ended:
        return int(str(ended.code or 0))
    return 0
