"""Room and mount options that steps see; the file systems are real, in a mount namespace."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from shells import EACH_SHELL, run

from provision.errors import RefusedError
from provision.model.change import Change
from provision.model.step import Step
from provision.steps.docker.image import DockerImage
from provision.steps.files.archive import Archive
from provision.steps.packages.packages import Packages

Shell = tuple[str, ...]
MOUNT = (
    'mount -t tmpfs -o "size=$2m,nr_inodes=$3,$4" tmpfs "$1" && shift 4 && exec "$@"'
)
DOCKER = """#!/bin/sh
case $1 in info) echo {root} ;; *) echo "Error: No such image: $4" >&2; exit 1 ;; esac
"""


def possible() -> bool:
    done = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/srv"]
    return (
        bool(shutil.which("unshare"))
        and not subprocess.run(done, capture_output=True, check=False).returncode
    )


pytestmark = pytest.mark.skipif(not possible(), reason="needs root and unshare")


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    (tmp_path / "disk").mkdir()
    return tmp_path / "disk"


def on_disk(
    shell: Shell, disk: Path, megabytes: int = 100, inodes: int = 9000, more: str = "rw"
) -> Shell:
    """The words that start a shell for which *disk* is a file system of its own."""
    about = (str(disk), str(megabytes), str(inodes), more)
    return ("unshare", "--mount", "sh", "-c", MOUNT, "sh", *about, *shell)


def archive(folder: Path, room_mb: int = 50) -> Archive:
    return Archive(
        url="https://example.org/x.tar.gz",
        checksum="https://example.org/sums",
        folder=str(folder),
        version="1.0",
        room_mb=room_mb,
    )


def planned(shell: Shell, step: Step, tools: Path | None = None) -> list[Change]:
    path = f"{tools}:{os.environ['PATH']}" if tools else os.environ["PATH"]
    reply = run(shell, step.probe(), env={**os.environ, "PATH": path})
    assert reply.stderr == ""
    return step.plan(step.observe(reply))


@EACH_SHELL
def test_what_has_room_is_planned(shell: Shell, disk: Path) -> None:
    assert planned(on_disk(shell, disk), archive(disk / "opt/x"))


@EACH_SHELL
def test_a_disk_that_is_too_small_is_refused(shell: Shell, disk: Path) -> None:
    with pytest.raises(RefusedError) as caught:
        planned(on_disk(shell, disk, megabytes=20), archive(disk / "opt/x"))
    assert f"{disk} has 20 MB free, and 50 MB are needed" in caught.value.message
    assert "room_mb" in caught.value.hint
    assert planned(on_disk(shell, disk, megabytes=20), archive(disk / "opt/x", 0))


@EACH_SHELL
def test_a_disk_without_inodes_is_refused(shell: Shell, disk: Path) -> None:
    with pytest.raises(RefusedError, match="inodes free, and 500 are needed"):
        planned(on_disk(shell, disk, inodes=100), archive(disk / "opt/x"))


@EACH_SHELL
def test_programs_do_not_go_where_none_can_be_run(shell: Shell, disk: Path) -> None:
    with pytest.raises(RefusedError) as caught:
        planned(on_disk(shell, disk, more="noexec,nodev"), archive(disk / "opt/x"))
    assert f"{disk} is mounted rw,nodev,noexec" in caught.value.message
    assert f"mount -o remount,exec {disk}" in caught.value.hint


@EACH_SHELL
def test_an_image_is_looked_for_room_where_docker_has_its_data(
    shell: Shell, disk: Path, tmp_path: Path
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "docker").write_text(DOCKER.format(root=disk / "docker"))
    (tools / "docker").chmod(0o755)
    with pytest.raises(RefusedError, match=r"image nginx:1: .*has 20 MB free"):
        planned(on_disk(shell, disk, megabytes=20), DockerImage(name="nginx:1"), tools)
    step = DockerImage(name="nginx:1", room_mb=20)
    assert planned(on_disk(shell, disk, megabytes=20), step, tools)


CONTAINERD = """
set -e
mount -t tmpfs tmpfs /run
mkdir /run/containerd && touch /run/containerd/containerd.sock
mount -t tmpfs tmpfs /var/lib
mkdir -p /var/lib/containerd /var/lib/elsewhere
mount -t tmpfs -o size=20m tmpfs /var/lib/containerd
mount -t tmpfs -o size=30m tmpfs /var/lib/elsewhere
mount -t tmpfs tmpfs /etc/containerd 2>/dev/null || { mount -t tmpfs tmpfs /etc && mkdir /etc/containerd; }
printf '%b' "$1" >/etc/containerd/config.toml
shift
exec "$@"
"""
"""A host whose containerd has little room, in a mount namespace."""


@EACH_SHELL
@pytest.mark.parametrize(
    ("config", "store", "refused"),
    [
        ("version = 2\\n", "[[driver-type io.containerd.snapshotter.v1]]", "20 MB"),
        (
            'root = "/var/lib/elsewhere"\\n',
            "[[x io.containerd.snapshotter.v1]]",
            "30 MB",
        ),
        ("", "[[Backing Filesystem extfs]]", ""),
    ],
)
def test_an_image_of_containerds_store_needs_room_there(
    shell: Shell, tmp_path: Path, config: str, store: str, refused: str
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "docker").write_text(DOCKER.format(root=f"'{store}|{tmp_path}'"))
    (tools / "docker").chmod(0o755)
    inside = ("unshare", "--mount", "sh", "-c", CONTAINERD, "sh", config, *shell)
    step = DockerImage(name="nginx:1", room_mb=50)
    if refused:
        with pytest.raises(RefusedError, match=rf"/var/lib/\w+ has {refused} free"):
            planned(inside, step, tools)
    else:
        assert planned(inside, step, tools)


@EACH_SHELL
def test_packages_are_asked_for_room_only_if_one_is_missing(shell: Shell) -> None:
    step = Packages(names=["coreutils"])
    assert run(shell, step.probe()).stdout.count("room.") == 0
    missing = Packages(names=["coreutils", "provision-no-such"], room_mb=10**9)
    with pytest.raises(RefusedError, match="no room for the packages"):
        planned(shell, missing)
