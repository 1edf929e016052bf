"""The shells that fragments are run in, and the steps to run: those of the cases."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision import testing
from provision.config.registry import step_class
from provision.model.change import Change, State
from provision.model.framing import Task, run_tasks
from provision.model.shell import Reply, Sh
from provision.model.step import Step
from provision.steps.room import room_fields
from provision.testing import FakeTransport

CASES = Path(__file__).parents[1] / "cases"
COREUTILS = (
    "[ basename base64 cat chgrp chmod chown cp cut date df dirname echo env expr false "
    "head id install ln ls mkdir mktemp mv nproc paste printf pwd readlink realpath rm "
    "rmdir sha256sum sleep sort stat tail tee test timeout touch tr true uname uniq wc"
)
BARE = ["find", "grep", "sed", *COREUTILS.split()]
"""Programs that even a bare host has."""


def shell(name: str, *more: str) -> Any:
    """A parameter for tests: the words that start a shell; skipped if it is missing."""
    found = shutil.which(name)
    skip = pytest.mark.skipif(found is None, reason=f"{name} is not installed here")
    return pytest.param((found, *more), id=name, marks=skip)


EACH_SHELL = pytest.mark.parametrize(
    "shell", [shell("dash"), shell("bash", "--posix"), shell("busybox", "sh")]
)
NOT_BUSYBOX = pytest.mark.parametrize(
    "shell", [shell("dash"), shell("bash", "--posix")]
)
"""Busybox sh prefers its own rm, rpm, ... to what is on the path."""


LOOKS_HERE = {"ray_source_found"}
"""Kinds that send nothing, and whose plan asks this machine; see tests/shell/source."""


def samples() -> dict[str, Step]:
    """A step for each golden case, but for those of LOOKS_HERE."""
    return {
        f"{path.parent.name}/{path.stem}": step_class(path.parent.name)(
            **yaml.safe_load(path.read_text())["params"]
        )
        for path in sorted(CASES.glob("*/*.yml"))
        if path.parent.name not in LOOKS_HERE
    }


def run(
    shell: tuple[str, ...], sh: Sh, *, strict: bool = False, env: Any = None
) -> Reply:
    """Run *sh* as a host would: framed, on standard input."""
    host = FakeTransport(shell=shell, env=env)
    host.open()
    [reply] = run_tasks(host.run, [Task(sh, strict)])
    return reply


def run_bare(shell: tuple[str, ...], sh: Sh, tools: Path) -> Reply:
    """Run *sh* with nothing but *tools* on its path, on a host of which nothing is noted."""
    script = f"(\nset -u\n{sh.render()}\n) </dev/null\n".encode()
    noted, gpus = tools.with_name("manifest"), os.environ["PROVISION_GPU_ROOT"]
    ours = {"PROVISION_MANIFEST": str(noted), "PROVISION_GPU_ROOT": gpus}
    env = {"PATH": str(tools), "LC_ALL": "C", **ours}
    done = execute(shell, script, env=env)
    return Reply(done.stdout.decode(), done.stderr.decode(), done.returncode)


def execute(
    shell: tuple[str, ...], script: bytes, *, env: Any = None
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        shell,
        input=script,
        capture_output=True,
        env=env,
        timeout=60,
        check=False,
    )


def converge(shell: tuple[str, ...], step: Step) -> list[Change]:
    """Probe, change and probe again; return the changes."""
    host = FakeTransport(shell=shell)
    host.open()
    return testing.converge(step, host)


def bare_tools(folder: Path) -> Path:
    """A folder with links to the tools of a bare host."""
    folder.mkdir()
    for tool in BARE:
        if found := shutil.which(tool):
            (folder / tool).symlink_to(found)
    return folder


def without_room(state: State) -> dict[str, str]:
    """Return *state* without what says how much room this machine has."""
    room = room_fields(state)
    return {key: value for key, value in state.items() if key not in room}


def me() -> dict[str, str]:
    """This user as an owner."""
    return {"owner": str(os.geteuid()), "group": str(os.getegid())}
