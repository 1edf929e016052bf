"""Imports point one way; the order stands here, and each module has its place in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ORDER = """
atomic errors fields interrupt program
vault
shell source
joint
step render secret validation issue certificates
become steps events inventory leash talk process held transport
registry remembered ssh session verdict converge lock redact audit
playbook run report
unfinished
schedule execute ask adopt neighbours smoke trust
api testing
status metrics rotation
cli commands lab
tasks
"""
"""Lowest first; a module imports from its own line and those above it here."""
RANK = {
    module: rank
    for rank, line in enumerate(ORDER.strip().splitlines())
    for module in line.split()
}
FILES = [*sorted((ROOT / "provision").rglob("*.py")), ROOT / "tasks.py"]
SOURCES = [path for path in FILES if path.exists()]


def part(path: Path) -> str:
    """The module or package just below `provision` that *path* belongs to."""
    return (
        path.relative_to(ROOT).with_suffix("").parts[-1 if path.parent == ROOT else 1]
    )


def imported(path: Path) -> Iterator[str]:
    """The parts of provision that *path* imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "provision":
            names = [f"provision.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        yield from (n.split(".")[1] for n in names if n.startswith("provision."))


def libraries(path: Path) -> set[str]:
    """The top packages that *path* imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_imports_point_one_way(path: Path) -> None:
    own = part(path)
    if own == "__init__":
        return
    assert own in RANK, f"give {own} a place in ORDER of {Path(__file__).name}"
    above = {other for other in imported(path) if RANK.get(other, 0) > RANK[own]}
    assert not above, f"{own} lies below {', '.join(sorted(above))}"


@pytest.mark.parametrize("path", sorted(ROOT.glob("provision/steps/*.py")), ids=name)
def test_steps_cannot_reach_a_connection(path: Path) -> None:
    assert set(imported(path)) <= {"errors", "fields", "shell", "step", "steps"}


@pytest.mark.parametrize("path", sorted(ROOT.glob("provision/report/*.py")), ids=name)
def test_reporters_cannot_reach_a_host(path: Path) -> None:
    assert not set(imported(path)) & {
        "ssh",
        "transport",
        "session",
        "converge",
        "shell",
    }


def test_the_scheduler_never_sees_shell_text() -> None:
    seen = set(imported(ROOT / "provision/schedule.py"))
    assert not seen & {"shell", "step", "steps", "transport", "ssh"}


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_only_ssh_knows_fabric_and_paramiko(path: Path) -> None:
    if part(path) != "ssh":
        assert not libraries(path) & {"fabric", "paramiko"}
