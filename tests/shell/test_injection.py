"""No text parameter of any step is ever run, split or changed on its way to a host.

The quick tests are part of `invoke check`; `pytest -m long tests/shell` goes on for minutes.
"""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hostile import BYTES, CANARY, HOSTILE, LONG, Where, accepted, places, scripts
from hypothesis import HealthCheck, given, settings
from shells import BARE, EACH_SHELL, NOT_BUSYBOX

from provision.config.registry import kinds
from provision.model.shell import Sh

NOBODY = 65534
EACH_KIND = pytest.mark.parametrize("kind", kinds())
SAMPLES = (
    f'it\'s $(touch {CANARY}) `touch {CANARY}` ; touch {CANARY} & "$x" \\ 100% * é',
    f"a\n$(touch {CANARY})\n'; touch {CANARY}; '",
    "--$(id)",
)
SHARED = ("export", "mount", "written", "seen")
REFUSING = {
    *(
        f"{kind}.{name}"
        for kind in ("ray_source", "ray_source_found")
        for name in ("url", "ref")
    ),
    *("directory.owner", "directory.group", "directory.mode"),
    *("file.owner", "file.group", "file.mode"),
    *("ray_firewall.hosts.[].address", "ray_firewall.allow.[]"),
    *("ray_head.node_labels.{key}", "ray_head.node_labels.{}"),
    *("ray_worker.node_labels.{key}", "ray_worker.node_labels.{}"),
    "docker_build.context.{key}",
    *("docker_container.devices.[]", "docker_container.limits.{key}"),
    *("ray_head.devices.[]", "ray_head.limits.{key}"),
    *("ray_worker.devices.[]", "ray_worker.limits.{key}", "ray_worker.head_image"),
    *(f"{kind}.shared_folders.[].from" for kind in ("ray_head", "ray_worker")),
    *(f"ray_shared_{what}.folders.[].from" for what in SHARED),
    *(f"ray_shared_{what}.members.[].groups.[]" for what in SHARED),
    *("ray_head_process.node_labels.{key}", "ray_head_process.node_labels.{}"),
    *("ray_worker_process.node_labels.{key}", "ray_worker_process.node_labels.{}"),
    *("ray_head_process.limits.{key}", "ray_worker_process.limits.{key}"),
    "ray_worker_process.head_ray_version",
    *("python_environment.constraints", "python_environment.python"),
    "python_environment.wheels",
    *("ray_source_found.ray_version", "ray_source_found.run"),
    *("ray_source_found.of_head.{key}", "ray_source_found.of_head.{}"),
}
"""Checked by something that the JSON schema does not show: accounts, addresses, labels,
devices, names of limits, servers, the head's image, a context's Dockerfile,
files and repositories here."""
OTHERS = (
    "apt-cache apt-get bash curl dnf docker dpkg dpkg-query getent gpasswd groupadd ip "
    "journalctl logger nsenter pgrep ps rpm setsid ss stdbuf systemctl tar update-rc.d "
    "useradd userdel usermod wget yum"
)
TOOLS = {*BARE, *OTHERS.split()} - {"touch", "tee", "echo", "printf", "test", "["}
few = settings(
    max_examples=2,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
many = settings(few, max_examples=50, derandomize=False)


def free(kind: str) -> list[Where]:
    """The places where *kind* takes any text, or any that is a path or one line."""
    known = {"pattern", "enum", "const"}
    return [
        where
        for where, about in places(kind)
        if not known & set(about) and ".".join((kind, *where)) not in REFUSING
    ]


@functools.lru_cache(maxsize=64)
def fragments(kind: str, text: str) -> list[Sh]:
    """All shell of steps of *kind* with *text* in one of its places, each once."""
    found = {}
    for where, _ in places(kind):
        step = accepted(kind, where, text)
        for sh in scripts(step) if step else ():
            found[sh.text, sh.args, tuple(sh.params.items())] = sh
    return list(found.values())


@EACH_KIND
def test_each_place_for_text_is_tried(kind: str) -> None:
    missed = [
        ".".join(where)
        for where in free(kind)
        if not any(accepted(kind, where, text) for text in SAMPLES)
    ]
    assert missed == [], f"no hostile text gets into {kind}: fit it in hostile.py"


def words(sh: Sh) -> list[str]:
    return [*sh.args, *sh.params.values()]


def arrived(shell: Sequence[str], many: Iterable[Sh]) -> list[list[str]]:
    """The words of each fragment as the shell has them when its text begins."""
    scripts = []
    for sh in many:
        names = " ".join(f'"${name}"' for name in sh.params)
        text = f'for word in "$@" {names}; do printf \'%s\\0\' "$word"; done'
        scripts.append(f"(\n{Sh(text, sh.args, sh.params).render()}\n) </dev/null")
    joined = "\nprintf '\\0next\\0'\n".join(scripts)
    done = subprocess.run(shell, input=joined.encode(), capture_output=True, check=True)
    assert done.stderr == b""
    parts = done.stdout.decode().split("\0next\0")
    return [part.split("\0")[:-1] if part else [] for part in parts]


def check_arrival(shell: Sequence[str], found: list[Sh]) -> None:
    if not found:
        return  # refused wherever it was tried
    for sh, seen in zip(found, arrived(shell, found), strict=True):
        assert seen == words(sh), sh.text


@EACH_SHELL
@EACH_KIND
def test_a_text_arrives_as_it_is(kind: str, shell: tuple[str, ...]) -> None:
    for text in SAMPLES:
        check_arrival(shell, fragments(kind, text))


@EACH_KIND
@EACH_SHELL
def test_a_hundred_kilobytes_arrive(kind: str, shell: tuple[str, ...]) -> None:
    found = fragments(kind, LONG)
    longest = max((len(word.encode()) for sh in found for word in words(sh)), default=0)
    short = [word for sh in fragments(kind, SAMPLES[0]) for word in words(sh)]
    assert longest >= BYTES or not any(CANARY in word for word in short)
    check_arrival(shell, found)


def cage(folder: Path, tool: str) -> dict[str, Any]:
    """A place where all commands do nothing, but for those that leave a trace.

    As nobody, where the tests run as root: what is written there is written nowhere else.
    """
    folder.chmod(0o755)
    (folder / "bin").mkdir()
    (folder / "here").mkdir()
    (folder / "here").chmod(0o777)
    for name in TOOLS:
        (folder / "bin" / name).symlink_to(f"/bin/{tool}")
    for name in ("touch", "tee"):
        (folder / "bin" / name).symlink_to(f"/usr/bin/{name}")
    nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    return {
        "cwd": folder / "here",
        "env": {"PATH": str(folder / "bin")},
        **(nobody if os.geteuid() == 0 else {}),
    }


def canaries(folder: Path, tool: str, shell: Sequence[str], found: Iterable[Sh]) -> int:
    """Count the files that show that a value in *found* was run."""
    script = "\n".join(f"(\n{sh.render()}\n) </dev/null" for sh in found)
    subprocess.run(
        shell,
        input=script.encode(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=100,
        check=False,
        **cage(folder, tool),
    )
    return sum(path.name == CANARY for path in (folder / "here").iterdir())


def check_cage(kind: str, shell: Sequence[str], text: str) -> None:
    found = fragments(kind, text)
    for tool in ("true", "false"):
        with tempfile.TemporaryDirectory() as folder:
            assert canaries(Path(folder), tool, shell, found) == 0, text


@pytest.mark.parametrize("tool", ["true", "false"])
def test_the_cage_notices_what_is_run(tool: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bad = Sh(f"eval \"$x\"; [ -z '{tool}' ]", params={"x": SAMPLES[1]})
        assert canaries(Path(folder), tool, ["/bin/sh"], [bad]) == 1


@EACH_KIND
@given(text=HOSTILE)
@few
def test_nothing_is_run(kind: str, text: str) -> None:
    check_cage(kind, ["/bin/sh"], text)
    check_arrival(["/bin/sh"], fragments(kind, text))


@pytest.mark.long
@pytest.mark.timeout(1800)
@NOT_BUSYBOX
@EACH_KIND
@given(text=HOSTILE)
@many
def test_nothing_is_run_whatever_it_is(
    kind: str, shell: tuple[str, ...], text: str
) -> None:
    check_cage(kind, shell, text)
    check_arrival(shell, fragments(kind, text))
