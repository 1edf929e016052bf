"""Packages where rpm and dnf are; both are stubs. The Debian side is a lab test."""

from __future__ import annotations

from pathlib import Path

import pytest
from shells import EACH_SHELL, NOT_BUSYBOX, bare_tools, run_bare, without_room

from provision.steps.packages.absent.packages_absent import PackagesAbsent
from provision.steps.packages.packages import Packages

Shell = tuple[str, ...]
RPM = r"""#!/bin/sh
echo "rpm $*" >>"$0.log"
[ "$1" = -q ] || exit 0
shift 4
for name; do
    case $name in
    bash | gcc-c++) printf '%s=installed\n' "$name" ;;
    *) printf 'package %s is not installed\n' "$name" ;;
    esac
done
exit 1
"""
DNF = '#!/bin/sh\necho "dnf $*" >>"$0.log"\n'


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    folder = bare_tools(tmp_path / "bin")
    for name, text in {"rpm": RPM, "dnf": DNF}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder


@NOT_BUSYBOX
def test_rpm_says_what_is_installed(shell: Shell, tools: Path) -> None:
    step = Packages(names=["bash", "gcc-c++", "tree"])
    state = without_room(step.observe(run_bare(shell, step.probe(), tools)))
    assert state == {"bash": "installed", "gcc-c++": "installed"}
    assert [change.field for change in step.plan(state)] == ["tree"]


@EACH_SHELL
def test_dnf_installs(shell: Shell, tools: Path) -> None:
    step = Packages(names=["tree", "gcc-c++"])
    assert run_bare(shell, step.apply(step.plan({})), tools).exit == 0
    assert (tools / "dnf.log").read_text() == "dnf install -y -q tree gcc-c++\n"


@NOT_BUSYBOX
def test_rpm_removes_and_refuses_by_itself(shell: Shell, tools: Path) -> None:
    step = PackagesAbsent(names=["bash", "tree"])
    changes = step.plan(step.observe(run_bare(shell, step.probe(), tools)))
    assert run_bare(shell, step.apply(changes), tools).exit == 0
    assert (tools / "rpm.log").read_text().splitlines()[-1] == "rpm -e -- bash"


@EACH_SHELL
def test_a_host_without_a_package_manager_says_so(shell: Shell, tmp_path: Path) -> None:
    step = Packages(names=["tree"])
    done = run_bare(shell, step.apply(step.plan({})), bare_tools(tmp_path / "bin"))
    assert done.exit != 0
    assert "neither apt-get nor dnf nor yum" in done.stderr
