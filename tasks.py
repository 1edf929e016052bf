"""The repository's tasks: the commands of the product, and what developers run."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

import advisories
from provision import cli

ROOT = Path(__file__).parent
PYTEST = f"{sys.executable} -m pytest"
QUICK = {
    "format": f"{sys.executable} -m ruff format --check",
    "lint": f"{sys.executable} -m ruff check",
    "types": f"{sys.executable} -m mypy",
    "tests": f"{PYTEST} -q -n auto --durations=5 -m 'not slow and not long' tests/unit tests/shell",
}
LOCK = (
    f"{sys.executable} -m piptools compile --quiet --strip-extras --generate-hashes "
    "--allow-unsafe --no-emit-index-url --no-emit-trusted-host --no-emit-find-links"
)


@task
def check(context: Context) -> None:
    """Format, lint, types, unit and shell tests."""
    failed = [
        name
        for name, command in QUICK.items()
        if not context.run(command, echo=True, warn=True, pty=False)
    ]
    if failed:
        raise Exit(f"failed: {', '.join(failed)}", code=1)


@task(help={"rest": "only what `check` leaves out"})
def test(context: Context, rest: bool = False) -> None:  # noqa: PT028
    """Run every test; brings the lab up."""
    slow = "-m slow" if rest else ""
    # Meanwhile, since a new lab mostly waits for downloads.
    with subprocess.Popen([sys.executable, "-m", "invoke", "lab.up"]) as lab:
        context.run(f"{PYTEST} -q -n auto {slow} tests/unit tests/shell", echo=True)
    if lab.returncode:
        raise Exit("the lab did not come up", code=lab.returncode)
    # What has an sshd or a lab of its own to look after runs alone.
    for folder in ("tests/ssh", "tests/lab"):
        context.run(f"{PYTEST} --durations=10 {folder}", echo=True)


@task
def lock(context: Context) -> None:
    """Make the lock files anew from setup.cfg, with hashes."""
    context.run(f"{LOCK} --output-file requirements.txt setup.cfg", echo=True)
    dev = "--extra dev --constraint requirements.txt"
    context.run(f"{LOCK} {dev} --output-file requirements-dev.txt setup.cfg", echo=True)
    peers = "--extra bench --output-file requirements-bench.txt setup.cfg"
    context.run(f"{LOCK} {peers}", echo=True)


@task(help={"database": "address of an OSV database (default: the public one)"})
def audit(context: Context, database: str = advisories.DATABASE) -> None:
    """Look for known vulnerabilities in the lock files."""
    try:
        pinned = advisories.pins(ROOT)
        found = advisories.known(pinned, database)
    except advisories.LockError as error:
        raise Exit(f"error: {error}", code=1) from error
    except advisories.UnreachableError as error:
        said = (
            f"error: {error}\nNOTHING is known about the {len(pinned)} pinned packages."
        )
        raise Exit(
            f"{said} Their hashes are there, and are checked on install.", 4
        ) from error
    for one in found:
        print(f"{one.pin.name} {one.pin.version}  {one.id}  {one.summary}")
    if found:
        raise Exit(
            f"{len(found)} known vulnerabilities; see osv.dev/ID, `invoke lock`", 1
        )
    print(f"none known in {len(pinned)} pinned packages, all of which have hashes")


@task(
    help={
        "quick": "few hosts and one round; writes no results",
        "only": "parts: converged,startup,latency,cold,trouble,memory",
    }
)
def farm(context: Context, quick: bool = False, only: str = "") -> None:
    """Measure on a farm of addresses, against other tools."""
    options = f"{'--quick' if quick else ''} {f'--only {only}' if only else ''}"
    context.run(f"PYTHONPATH=tests {sys.executable} -m benchmarks {options}", echo=True)


@task
def lab(context: Context) -> None:
    """Measure a deployed lab's deploy, then a bare one's."""
    for name in ("converged", "cold"):
        context.run(f"{sys.executable} benchmarks/{name}.py", echo=True)


@task(
    help={
        "all": "every fault, however long; writes docs/what-happens-when.md",
        "keep": "write what these faults did to that page, too",
        "only": "faults whose heading and name have this regular expression",
        "minutes": "how long at most (default: 10)",
        "seed": "chooses the faults, and chance within them",
        "list": "say what faults there are, and what is expected of each",
    }
)
def chaos(
    context: Context,
    all: bool = False,  # noqa: A002 - the name of the option
    keep: bool = False,
    only: str = "",
    minutes: int = 0,
    seed: int = -1,
    list: bool = False,  # noqa: A002
) -> None:
    """Do faults to the lab for a while, and say which are held."""
    flags = {"--all": all, "--keep": keep, "--list": list}
    words = [flag for flag, given in flags.items() if given]
    words += [f"--only={only}"] if only else []
    words += [f"--minutes={minutes}"] if minutes else []
    words += [f"--seed={seed}"] if seed >= 0 else []
    python = f"PYTHONPATH=tests:tests/lab {sys.executable} -m faults"
    context.run(f"{python} {shlex.join(words)}", echo=True)


bench = Collection("bench", lab)
bench.add_task(farm, name="farm", default=True)
namespace = cli.namespace(check, test, lock, audit)
namespace.add_collection(bench)
namespace.collections["lab"].add_task(chaos)
