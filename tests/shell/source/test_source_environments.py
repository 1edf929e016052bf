"""Sources of Ray over a small wheel of that name, in real environments of this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.python.environments import converge, quick_python, run, wheel
from support.python.git_repository import RayRepository

from provision.ray.steps.source.source import RaySource
from provision.steps.python.environment import PythonEnvironment

pytestmark = pytest.mark.slow
FILES = {
    "ray/__init__.py": "from ray._version import commit\n",
    "ray/_version.py": 'version = "1.0"\ncommit = "of the wheel"\n',
    "ray/same.py": "SAME = 1\n",
    "ray/util/changed.py": "WHO = 'wheel'\n",
    "ray/util/gone.py": "GONE = 1\n",
    "ray/util/only_wheel.so": "compiled\n",
    "ray/core/__init__.py": "",
    "ray/core/generated/x_pb2.py": "X = 1\n",
    "ray/thirdparty_files/psutil.py": "P = 1\n",
    "ray/dashboard/client/build/index.html": "built\n",
    "ABOUT/entry_points.txt": "[console_scripts]\nray = ray.util.changed:main\n",
}
SOURCES = {
    "python/ray/__init__.py": FILES["ray/__init__.py"],
    "python/ray/same.py": FILES["ray/same.py"],
    "python/ray/core/__init__.py": "",
    "python/ray/core/generated/__init__.py": "",
    "python/ray/util/changed.py": "WHO = 'first'\ndef main(): print(WHO)\n",
    "python/ray/tests/test_mini.py": "def test_it(): pass\n",
}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RayRepository:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    repository = RayRepository(tmp_path / "ray")
    repository.commit(SOURCES)
    for version in ("1.0", "2.0"):
        wheel(tmp_path / "wheels", "ray", version, files=FILES)
    return repository


def base(tmp_path: Path, version: str = "1.0", link: str = "base") -> PythonEnvironment:
    return PythonEnvironment.model_validate(
        {
            "folder": f"{tmp_path}/env",
            "version": version,
            "requirements": [f"ray=={version}"],
            "python": quick_python(tmp_path),
            "wheels": str(tmp_path / "wheels"),
            "link": link,
        }
    )


def source(tmp_path: Path, made: RayRepository, ref: str) -> RaySource:
    return RaySource(folder=f"{tmp_path}/env", url=made.url, ref=ref, run=ref)


def python(tmp_path: Path, code: str) -> str:
    words = [f"{tmp_path}/env/current/bin/python", "-c", code]
    done = subprocess.run(words, check=True, capture_output=True, text=True, cwd="/")
    return done.stdout.strip()


def packages(environment: Path) -> Path:
    return next(environment.glob("lib/python3*/site-packages"))


def test_sources_come_over_the_wheel_and_change_and_go_back(
    tmp_path: Path, made: RayRepository
) -> None:
    first, wheels = source(tmp_path, made, "main"), base(tmp_path)
    commit = first.commit()
    converge(wheels)
    changes = converge(first)
    name = f"{wheels.name}-{commit[:10]}"
    assert changes == [
        f"commit: (absent) -> {commit}",
        "ray: (absent) -> current",
        f"sources: (absent) -> {commit[:10]}",
        f"environment: (absent) -> {name}",
    ]
    env = tmp_path / "env"
    assert (env / "current").readlink() == Path(name)
    assert python(tmp_path, "import ray; print(ray.commit)") == commit
    there, wheel_has = packages(env / name) / "ray", packages(env / wheels.name) / "ray"
    assert (there / "tests/test_mini.py").exists()
    assert not (there / "util/gone.py").exists()
    for kept in (
        "util/only_wheel.so",
        "core/generated/x_pb2.py",
        "thirdparty_files/psutil.py",
        "dashboard/client/build/index.html",
        "same.py",
    ):
        assert (there / kept).samefile(wheel_has / kept), kept  # takes no room
    # The wheel's own environment is as it was.
    for file, text in FILES.items():
        if file.startswith("ray/"):
            assert (wheel_has.parent / file).read_text() == text
    # Its programs are its own.
    ray = subprocess.run(
        [env / "current/bin/ray"], check=True, capture_output=True, text=True
    )
    assert ray.stdout == "first\n"
    assert not list(env.glob(".*"))

    second = made.commit({"python/ray/util/changed.py": "WHO = 'second'\n"})
    changes = converge(source(tmp_path, made, second))
    assert changes[0] == f"commit: {commit} -> {second}"
    who = "from ray.util.changed import WHO; print(WHO)"
    assert python(tmp_path, who) == "second"

    back = source(tmp_path, made, commit)
    changes = converge(back)
    assert [change.partition(":")[0] for change in changes] == ["commit", "environment"]
    assert python(tmp_path, who) == "first"


def test_another_wheel_is_another_environment_and_pip_alone_takes_the_sources_away(
    tmp_path: Path, made: RayRepository
) -> None:
    step = source(tmp_path, made, "main")
    old, new = base(tmp_path), base(tmp_path, "2.0")
    converge(base(tmp_path))
    converge(step)
    converge(new)
    assert (tmp_path / "env/current").resolve().name.startswith(old.name)
    changes = converge(step)
    assert changes[0] == "ray: another -> current"
    assert (tmp_path / "env/current").resolve().name.startswith(new.name)
    converge(base(tmp_path, "2.0", "current"))
    assert python(tmp_path, "import ray; print(ray.commit)") == "of the wheel"
    names = {path.name for path in (tmp_path / "env").iterdir()}
    assert names == {
        "current",
        new.name,
        f"{new.name}-{step.commit()[:10]}",  # the one before, for the way back
    }


def test_one_that_was_cut_off_is_made_again(
    tmp_path: Path, made: RayRepository
) -> None:
    step = source(tmp_path, made, "main")
    converge(base(tmp_path))
    converge(step)
    env = (tmp_path / "env/current").resolve()
    (env / ".provision").unlink()
    (packages(env) / "ray/util/changed.py").write_text("damaged")
    assert "sources: " in "\n".join(converge(step))
    assert python(tmp_path, "from ray.util.changed import WHO; print(WHO)") == "first"


def test_no_environment_to_build_on_is_an_error(
    tmp_path: Path, made: RayRepository
) -> None:
    step = source(tmp_path, made, "main")
    changes = step.plan(step.observe(run(step.probe())))
    failed = run(step.apply(changes), strict=True)
    assert failed.exit != 0
    assert "there is no environment with Ray's wheel" in failed.stderr
