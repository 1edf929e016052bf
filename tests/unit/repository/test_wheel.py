"""The wheel: the program works where the repository is not, with its playbooks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCES = (
    *("provision", "playbooks", "setup.cfg", "pyproject.toml", "README.md"),
    # These two must stay out of the wheel.
    *("tests", "benchmarks"),
)
INVENTORY = """
all:
  vars: {ansible_connection: local, ansible_become: false}
  children:
    head: {hosts: {here: {}}}
    workers: {hosts: {}}
"""


def run(*argv: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in argv],
        cwd=cwd,
        # It would bring the sources back that are not to be tested.
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: a build leaves things behind that later ones pick up."""
    copy = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            skipped = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=skipped)
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, copy)
    pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-index")
    done = run(*pip, "--no-build-isolation", "-w", copy / "dist", copy, cwd=copy)
    assert done.returncode == 0, done.stdout
    [built] = (copy / "dist").glob("provision-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program in an environment that has our dependencies, but not our sources."""
    place = tmp_path_factory.mktemp("installed")
    venv.create(place, with_pip=False, symlinks=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(place)}))
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install")
    target = ("--no-deps", "--no-index", "--prefix", place, wheel)
    done = run(*pip, "--ignore-installed", *target, cwd=place)
    assert done.returncode == 0, done.stdout
    # .pth files are not looked for there, so the editable install does not count.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    program = place / "bin" / "provision"
    lines = program.read_text().splitlines(keepends=True)
    program.write_text(f"#!{place}/bin/python\n" + "".join(lines[1:]))
    return program


def test_it_brings_every_playbook_and_marks_itself_as_typed(wheel: Path) -> None:
    listed = run(sys.executable, "-m", "zipfile", "-l", wheel, cwd=ROOT).stdout
    for path in (ROOT / "playbooks").rglob("*.*"):
        assert f"provision/playbooks/{path.relative_to(ROOT / 'playbooks')}" in listed
    assert "provision/py.typed" in listed


def test_it_leaves_tests_and_benchmarks_out(wheel: Path) -> None:
    listed = run(sys.executable, "-m", "zipfile", "-l", wheel, cwd=ROOT).stdout
    for name in ("tests/", "benchmarks/", "tcp_proxy"):
        assert name not in listed


def test_it_brings_what_the_lab_is_made_from(wheel: Path) -> None:
    listed = run(sys.executable, "-m", "zipfile", "-l", wheel, cwd=ROOT).stdout
    for path in (ROOT / "provision/lab/supplies/data").iterdir():
        assert f"provision/lab/supplies/data/{path.name}" in listed


def test_it_brings_every_shell_file(wheel: Path) -> None:
    listed = run(sys.executable, "-m", "zipfile", "-l", wheel, cwd=ROOT).stdout
    files = [path.relative_to(ROOT) for path in (ROOT / "provision").rglob("*.sh")]
    assert files
    assert [str(path) for path in files if str(path) not in listed] == []


def test_it_is_not_our_sources_that_are_tested(installed: Path, tmp_path: Path) -> None:
    where = "import provision; print(provision.__file__)"
    done = run(installed.with_name("python"), "-c", where, cwd=tmp_path)
    assert Path(done.stdout.strip()).is_relative_to(installed.parents[1])


def test_the_program_lists_its_commands(installed: Path, tmp_path: Path) -> None:
    done = run(installed, "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "deploy" in done.stdout and "lab.up" in done.stdout


def test_it_plans_the_shipped_deploy_anywhere(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text(INVENTORY)
    done = run(installed, "plan", "--inventory", "mine.yml", cwd=tmp_path)
    assert done.returncode in {2, 3}, done.stdout
    assert "plan mine: 1 host" in done.stdout


def test_what_cannot_be_parsed_ends_with_5(installed: Path, tmp_path: Path) -> None:
    done = run(installed, "plan", "--no-such-option", cwd=tmp_path)
    assert (done.returncode, "no-such-option" in done.stdout) == (5, True)
    assert "Traceback" not in done.stdout
