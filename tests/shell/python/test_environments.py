"""Virtual environments for real, from small wheels that the test makes; no index is asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.python.environments import converge, quick_python, run, send, wheel

from provision.errors import RefusedError
from provision.steps.python.environment import PythonEnvironment

pytestmark = pytest.mark.slow


def environment(
    tmp_path: Path, version: str, requirements: tuple[str, ...] = ()
) -> PythonEnvironment:
    return PythonEnvironment(
        folder=f"{tmp_path}/env",
        version=version,
        requirements=requirements or (f"sample=={version}",),
        python=quick_python(tmp_path),
        wheels=str(tmp_path / "wheels"),
    )


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
