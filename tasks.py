"""Tasks of the repository: the commands of the product, and those for developers."""

from __future__ import annotations

import functools
import shlex
import subprocess
import sys
from pathlib import Path

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task as any_task

import advisories
from provision import cli

task = functools.partial(any_task, auto_shortflags=False)
"""Short forms are those of the product's options, and mean the same everywhere."""
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


@task()
def check(context: Context) -> None:
    """Check format, lint and types; run unit and shell tests."""
    failed = [
        name
        for name, command in QUICK.items()
        if not context.run(command, echo=True, warn=True, pty=False)
    ]
    if failed:
        raise Exit(f"failed: {', '.join(failed)}", code=1)


@task(help={"rest": "only the tests that `check` leaves out"})
def test(context: Context, rest: bool = False) -> None:  # noqa: PT028
    """Run all tests; start the lab."""
    slow = "-m slow" if rest else ""
    lab_up = [sys.executable, "-m", "invoke", "lab.up"]
    if context.config.run.dry:
        print(shlex.join(lab_up))
        lab_up = ["true"]
    # At the same time, because a new lab mostly waits for downloads.
    with subprocess.Popen(lab_up) as lab:
        context.run(f"{PYTEST} -q -n auto {slow} tests/unit tests/shell", echo=True)
    if lab.returncode:
        raise Exit("the lab did not start; see above", code=lab.returncode)
    # Tests with an sshd or the lab do not run in parallel.
    for folder in ("tests/ssh", "tests/lab"):
        context.run(f"{PYTEST} --durations=10 {folder}", echo=True)


@task()
def lock(context: Context) -> None:
    """Write the lock files from setup.cfg and benchmarks/peers.in, with hashes."""
    context.run(f"{LOCK} --output-file requirements.txt setup.cfg", echo=True)
    dev = "--extra dev --constraint requirements.txt"
    context.run(f"{LOCK} {dev} --output-file requirements-dev.txt setup.cfg", echo=True)
    peers = "--output-file requirements-bench.txt benchmarks/peers.in"
    context.run(f"{LOCK} {peers}", echo=True)


@task()
def reference(context: Context) -> None:
    """Write docs/commands.md from the commands."""
    from provision.cli.listing.reference import reference as page

    if not context.config.run.dry:
        (ROOT / "docs/commands.md").write_text(page(cli.namespace()), "utf-8")


@task(help={"database": "address of an OSV database (default: the public one)"})
def audit(context: Context, database: str = advisories.DATABASE) -> None:
    """Check the packages in the lock files for known vulnerabilities."""
    try:
        pinned = advisories.pins(ROOT)
        found = advisories.known(pinned, database)
    except advisories.LockError as error:
        raise Exit(f"error: {error}", code=1) from error
    except advisories.UnreachableError as error:
        message = (
            f"error: {error}\nThe {len(pinned)} pinned packages were NOT checked; "
            "run `invoke audit` again later."
        )
        raise Exit(message, 4) from error
    for one in found:
        print(f"{one.pin.name} {one.pin.version}  {one.id}  {one.summary}")
    if found:
        raise Exit(
            f"{len(found)} known vulnerabilities; see https://osv.dev/ID, then run "
            "`invoke lock` for newer versions",
            1,
        )
    print(f"no known vulnerability in {len(pinned)} pinned packages; all have hashes")


@task(
    help={
        "quick": "few hosts, one round, no results written",
        "only": "parts, such as converged,startup; `python -m benchmarks --help` has all",
    }
)
def farm(context: Context, quick: bool = False, only: str = "") -> None:
    """Measure on simulated hosts, in comparison with other tools."""
    options = f"{'--quick' if quick else ''} {f'--only {only}' if only else ''}"
    context.run(f"PYTHONPATH=tests {sys.executable} -m benchmarks {options}", echo=True)


@task(
    help={"only": "converged or cold (default: both)", "rounds": "default: 3"},
)
def lab(context: Context, only: str = "", rounds: int = 3) -> None:
    """Measure a deploy of the lab, first converged, then on bare hosts."""
    options = f"--rounds {rounds} {f'--only {shlex.quote(only)}' if only else ''}"
    context.run(f"{sys.executable} -m benchmarks.on_lab {options}", echo=True)


@task(
    help={
        "all": "run all faults and write docs/what-happens-when.md",
        "keep": "write the results of these faults to that page",
        "only": "faults whose heading and name match this regular expression",
        "minutes": "time limit (default: 10)",
        "seed": "seed for the choice of faults and for chance in them",
        "list": "list all faults and their expected outcomes",
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
    """Inject faults into the lab, and report which had the expected outcome."""
    flags = {"--all": all, "--keep": keep, "--list": list}
    words = [flag for flag, given in flags.items() if given]
    words += [f"--only={only}"] if only else []
    words += [f"--minutes={minutes}"] if minutes else []
    words += [f"--seed={seed}"] if seed >= 0 else []
    python = f"PYTHONPATH=tests:tests/lab {sys.executable} -m faults"
    context.run(f"{python} {shlex.join(words)}", echo=True)


bench = Collection("bench", lab)
bench.add_task(farm, name="farm", default=True)
namespace = cli.namespace(check, test, lock, audit, reference)
namespace.add_collection(bench)
namespace.collections["lab"].add_task(chaos)
