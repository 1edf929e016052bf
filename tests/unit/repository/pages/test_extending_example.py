"""The package in docs/extending.md is built, installed and run as it is printed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
PAGE = ROOT / "docs" / "extending.md"
FILE = re.compile(r"```\w+\n# (\S+)\n(.*?)```", re.DOTALL)
MAIN = "from provision.cli import main; main()"
INVENTORY = """
all:
  vars: {ansible_connection: local, ansible_become: false}
  hosts: {here: {}}
"""


def run(*words: object, cwd: Path, path: tuple[Path, ...] = ()) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of the page."""
    folder = tmp_path_factory.mktemp("sources")
    for name, text in FILE.findall(PAGE.read_text()):
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def installed(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed package, as `site-packages` would have it."""
    target = tmp_path_factory.mktemp("target")
    pip = ("-m", "pip", "--disable-pip-version-check")
    offline = ("--no-deps", "--no-index")
    build = ("wheel", *offline, "--no-build-isolation", "--wheel-dir", "dist", ".")
    code, output = run(*pip, *build, cwd=sources)
    assert code == 0, output
    [wheel] = (sources / "dist").iterdir()
    assert wheel.name in PAGE.read_text()
    code, output = run(
        *pip, "install", *offline, "--target", target, wheel, cwd=sources
    )
    assert code == 0, output
    return target


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an inventory of this machine, and the playbook of the page."""
    (tmp_path / "inv.yml").write_text(INVENTORY)
    text = dict(FILE.findall(PAGE.read_text()))["links.yml"]
    (tmp_path / "links.yml").write_text(
        text.replace("/tmp/provision-example", str(tmp_path))
    )
    return tmp_path


def provision(installed: Path, folder: Path, *words: str) -> tuple[int, str]:
    return run("-c", MAIN, *words, cwd=folder, path=(installed, ROOT))


def test_its_step_is_planned_and_applied(installed: Path, folder: Path) -> None:
    choice = ("--inventory", "inv.yml", "--playbook", "links.yml")
    code, output = provision(installed, folder, "plan", *choice)
    assert (code, "target: (absent) -> releases/7" in output) == (3, True), output
    code, output = provision(installed, folder, "deploy", *choice)
    assert (code, "1 changed" in output) == (0, True), output
    assert (folder / "current").readlink() == Path("releases/7")
    code, output = provision(installed, folder, "deploy", *choice)
    assert (code, "0 changed" in output) == (0, True), output


@pytest.mark.skipif(not shutil.which("busybox"), reason="busybox is not installed")
def test_its_tests_pass(installed: Path, sources: Path) -> None:
    tests = (
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "test_provision_symlink.py",
    )
    code, output = run(*tests, cwd=sources, path=(installed, ROOT))
    assert (code, "3 passed" in output) == (0, True), output


def test_its_command_is_listed_and_runs(installed: Path, folder: Path) -> None:
    code, output = provision(installed, folder, "--help")
    assert "Show how long each host has been up." in output
    code, output = provision(installed, folder, "uptime", "--inventory", "inv.yml")
    assert code == 0, output
    assert re.fullmatch(r"here  \d+\.\d h\n", output)


def test_its_option_of_deploy_is_listed_and_works(
    installed: Path, folder: Path
) -> None:
    code, output = provision(installed, folder, "--help", "deploy")
    assert "append a line about the deploy" in output and "--prune" in output
    choice = ("--inventory", "inv.yml", "--playbook", "links.yml")
    for _ in range(2):
        code, output = provision(
            installed, folder, "deploy", *choice, "--log", "deploys"
        )
        assert code == 0, output
    assert (folder / "deploys").read_text() == "inv: 1 changed\ninv: 0 changed\n"


def test_its_step_is_in_the_schema_of_playbooks(installed: Path, folder: Path) -> None:
    code, output = provision(installed, folder, "schema")
    assert (code, '"symlink": {' in output) == (0, True)
