"""Virtual environments for real, from small wheels that the test makes; no index is asked."""

from __future__ import annotations

import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pip
import pytest

from provision.engine.host.scripts.receive import receiving
from provision.errors import RefusedError
from provision.model.framing import Task, run_tasks
from provision.model.shell import Reply, Sh
from provision.model.step import Upload
from provision.steps.python.environment import PythonEnvironment
from provision.transport.local import LocalTransport

pytestmark = pytest.mark.slow
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


def wheel(folder: Path, name: str, version: str, tag: str = "py3-none-any") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(f"{name}.py", f"VERSION = {version!r}\n" + "#" * 5000)
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
    transport = LocalTransport()
    transport.open()
    try:
        [reply] = run_tasks(transport.run, [Task(sh, strict=strict)])
    finally:
        transport.close()
    return reply


def environment(
    tmp_path: Path, version: str, requirements: tuple[str, ...] = ()
) -> PythonEnvironment:
    python = tmp_path / "python3"
    python.write_text(QUICK.format(python=PYTHON, pip=PIP))
    python.chmod(0o755)
    return PythonEnvironment(
        folder=f"{tmp_path}/env",
        version=version,
        requirements=requirements or (f"sample=={version}",),
        python=str(python),
        wheels=str(tmp_path / "wheels"),
    )


def converge(step: PythonEnvironment) -> None:
    changes = step.plan(step.observe(run(step.probe())))
    send(step.upload(changes))
    done = run(step.apply(changes), strict=True)
    assert done.exit == 0, done.tails(20)
    assert step.plan(step.observe(run(step.probe()))) == []


def send(upload: Upload | None) -> None:
    if upload:
        transport = LocalTransport()
        transport.open()
        reply = receiving(upload).send(
            transport.stream, become=False, limit_s=60, stopped=threading.Event()
        )
        transport.close()
        assert reply.exit == 0, reply.stderr


def installed(tmp_path: Path) -> str:
    program = [f"{tmp_path}/env/current/bin/python", "-c"]
    words = [*program, "import sample; print(sample.VERSION)"]
    return subprocess.run(
        words, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_versions_come_side_by_side_and_one_goes_back_without_wheels(
    tmp_path: Path,
) -> None:
    wheels = tmp_path / "wheels"
    wheel(wheels, "sample", "1.0")
    wheel(wheels, "sample", "2.0")
    wheel(wheels, "sample", "3.0")
    converge(environment(tmp_path, "1.0"))
    assert installed(tmp_path) == "1.0"
    converge(environment(tmp_path, "2.0"))
    assert installed(tmp_path) == "2.0"
    back = environment(tmp_path, "1.0")
    changes = back.plan(back.observe(run(back.probe())))
    assert [change.field for change in changes] == ["current"]
    assert run(back.apply(changes), strict=True).exit == 0  # nothing was sent
    assert installed(tmp_path) == "1.0"
    converge(environment(tmp_path, "3.0"))
    names = sorted(path.name[:3] for path in (tmp_path / "env").glob("*-*"))
    assert names == ["1.0", "3.0"]  # the one before is kept, older ones are not


def test_a_wheel_that_came_damaged_is_not_installed_and_comes_again(
    tmp_path: Path,
) -> None:
    path = wheel(tmp_path / "wheels", "sample", "1.0")
    step = environment(tmp_path, "1.0")
    changes = step.plan(step.observe(run(step.probe())))
    folder = tmp_path / "env" / f".wheels-{step.name}"
    folder.mkdir(parents=True)
    (folder / path.name).write_bytes(bytes(path.stat().st_size))
    send(step.upload(changes))  # of that size it is taken for sent
    assert run(step.apply(changes), strict=True).exit != 0
    converge(step)
    assert installed(tmp_path) == "1.0"


def test_no_wheel_for_this_python_is_refused_with_its_tag(tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", "sample", "1.0", "cp27-cp27m-manylinux1_x86_64")
    step = environment(tmp_path, "1.0")
    with pytest.raises(RefusedError) as refused:
        step.plan(step.observe(run(step.probe())))
    tag = f"cp3{sys.version_info.minor}"
    assert tag in refused.value.message
    assert "cp27-cp27m" in refused.value.message
    assert "pip download" in (refused.value.hint or "")
    assert not (tmp_path / "env").exists()


def test_a_dependency_without_a_wheel_leaves_the_environment_before(
    tmp_path: Path,
) -> None:
    wheel(tmp_path / "wheels", "sample", "1.0")
    converge(environment(tmp_path, "1.0"))
    step = environment(tmp_path, "2.0", ("sample==1.0", "sample>=2"))
    changes = step.plan(step.observe(run(step.probe())))
    send(step.upload(changes))
    failed = run(step.apply(changes), strict=True)
    assert failed.exit != 0
    assert step.advice("\n".join(failed.tails(20)))
    assert installed(tmp_path) == "1.0"


@pytest.mark.parametrize("what", ["none", "empty"])
def test_a_folder_without_wheels_is_refused_here(tmp_path: Path, what: str) -> None:
    if what == "empty":
        (tmp_path / "wheels").mkdir()
    with pytest.raises(ValueError, match=r"cannot be read here|no file that is named"):
        environment(tmp_path, "1.0")
