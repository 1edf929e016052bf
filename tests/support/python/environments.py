"""Virtual environments of Python on this machine, from small wheels; no index is asked."""

from __future__ import annotations

import sys
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pip

from provision.engine.host.scripts.receive import receiving
from provision.model.framing import Task, run_tasks
from provision.model.shell import Reply, Sh
from provision.model.step import Step, Upload
from provision.transport.local import LocalTransport

PYTHON = str(Path(sys.executable).resolve())
"""A program, and no shim that looks for one."""
PIP = str(Path(pip.__file__).parent)
QUICK = """#!/bin/sh
[ "$1 $2" = '-m venv' ] || exec {python} "$@"
{python} -m venv --without-pip "$3"
exec ln -s {pip} "$3"/lib/python3.*/site-packages/
"""
"""A Python whose environments have the pip of the one here: it takes 20 s to install.

A real one makes the environment in tests/shell/runtimes.
"""


def quick_python(folder: Path) -> str:
    """Make a Python in *folder* whose environments take little time; return its path."""
    python = folder / "python3"
    python.write_text(QUICK.format(python=PYTHON, pip=PIP))
    python.chmod(0o755)
    return str(python)


def wheel(
    folder: Path,
    name: str,
    version: str,
    tag: str = "py3-none-any",
    files: Mapping[str, str] | None = None,
) -> Path:
    """Make a wheel of *files*, by default of a module that says its version."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    about = f"{name}-{version}.dist-info"
    own = {f"{name}.py": f"VERSION = {version!r}\n" + "#" * 5000}
    with zipfile.ZipFile(path, "w") as packed:
        for file, text in (own if files is None else files).items():
            packed.writestr(file.replace("ABOUT", about), text)
        packed.writestr(
            f"{about}/METADATA",
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        )
        packed.writestr(
            f"{about}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n"
        )
        packed.writestr(f"{about}/RECORD", "")
    return path


def run(sh: Sh, *, strict: bool = False) -> Reply:
    """Run *sh* on this machine."""
    transport = LocalTransport()
    transport.open()
    try:
        [reply] = run_tasks(transport.run, [Task(sh, strict=strict)])
    finally:
        transport.close()
    return reply


def send(upload: Upload | None) -> None:
    """Send *upload* to this machine."""
    if upload:
        transport = LocalTransport()
        transport.open()
        reply = receiving(upload).send(
            transport.stream, become=False, limit_s=60, stopped=threading.Event()
        )
        transport.close()
        assert reply.exit == 0, reply.stderr


def converge(step: Step) -> list[str]:
    """Bring *step* to its desired state on this machine; return the changes as text."""
    changes = step.plan(step.observe(run(step.probe())))
    send(step.upload(changes))
    done = run(step.apply(changes), strict=True)
    assert done.exit == 0, done.tails(20)
    assert step.plan(step.observe(run(step.probe()))) == []
    return [str(change) for change in changes]
