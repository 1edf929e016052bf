"""The packages of an engine, as the host's index has them; apt and dpkg are real."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from shells import EACH_SHELL, run
from support.apt_host import AptHost, possible

from provision.model.shell import Reply, Sh
from provision.model.shell_file import read_shell
from provision.steps.docker.engine import engine

Shell = tuple[str, ...]
FUNCTIONS = read_shell(engine.__file__, "packages.sh")
needs_apt = pytest.mark.skipif(not possible(), reason="needs root, mount and apt")


@pytest.fixture
def host(tmp_path: Path) -> AptHost:
    return AptHost(tmp_path)


def call(function: str) -> Sh:
    text = f"{FUNCTIONS}\nchoose {function}"
    return Sh.of(text, lock_timeout_s=0, update_within_s=86400)


def asked(shell: Shell, host: AptHost, function: str) -> Reply:
    return run(host.shell(shell), call(function), strict=True)


def installed(shell: Shell, host: AptHost, *names: str) -> None:
    text = "apt-get update -q >/dev/null; apt-get install -y -q " + " ".join(names)
    assert run(host.shell(shell), Sh(text), strict=True).exit == 0


@needs_apt
@EACH_SHELL
@pytest.mark.parametrize(
    ("index", "chosen"),
    [
        # Debian 12, Ubuntu 22.04 and 24.04: the client is in the engine's package.
        (["docker.io", "containerd"], ["docker.io"]),
        # Debian 13: it is in a package of its own.
        (["docker.io", "docker-cli", "containerd"], ["docker.io", "docker-cli"]),
        # Ubuntu has a package `docker` that is no engine, and more parts of Docker's.
        (
            ["docker", "docker.io", "docker-buildx", "docker-compose-v2", "runc"],
            ["docker.io"],
        ),
        # Podman has the program `docker`, and is not what is looked for.
        (["podman-docker", "podman", "docker.io"], ["docker.io"]),
        # Somebody has set up Docker's repository beside Debian's.
        (
            ["docker.io", "docker-cli", "docker-ce", "docker-ce-cli", "containerd.io"],
            ["docker-ce", "docker-ce-cli", "containerd.io"],
        ),
    ],
)
def test_the_index_decides(
    shell: Shell, host: AptHost, index: list[str], chosen: list[str]
) -> None:
    for name in index:
        host.offer(name)
    assert asked(shell, host, "engine_packages").stdout.split() == chosen


@needs_apt
@EACH_SHELL
def test_a_package_that_others_only_name_is_not_offered(
    shell: Shell, host: AptHost
) -> None:
    """Those of Debian and Ubuntu name Docker's own as what they conflict with."""
    host.offer("docker.io", conflicts="docker-ce, docker-cli")
    host.offer("docker-compose", needs="docker-ce-cli")
    assert asked(shell, host, "engine_packages").stdout.split() == ["docker.io"]


@needs_apt
@EACH_SHELL
def test_an_index_without_an_engine_is_an_error(shell: Shell, host: AptHost) -> None:
    host.offer("docker-doc")
    done = asked(shell, host, "engine_packages")
    assert done.exit == 1
    assert "no package of this host has a Docker engine" in done.stderr


@needs_apt
@EACH_SHELL
@pytest.mark.parametrize(
    ("there", "client"), [("docker.io", "docker-cli"), ("docker-ce", "docker-ce-cli")]
)
def test_the_client_is_the_one_of_the_engine_that_is_there(
    shell: Shell, host: AptHost, there: str, client: str
) -> None:
    for name in ("docker.io", "docker-cli", "docker-ce", "docker-ce-cli"):
        host.offer(name)
    installed(shell, host, there)
    assert asked(shell, host, "client_packages").stdout.split() == [client]


@needs_apt
@EACH_SHELL
def test_an_index_that_has_no_client_yet_is_fetched_again(
    shell: Shell, host: AptHost
) -> None:
    host.offer("docker.io")
    installed(shell, host, "docker.io")
    host.offer("docker-cli")
    assert asked(shell, host, "client_packages").stdout.split() == ["docker-cli"]


@needs_apt
@EACH_SHELL
def test_an_engine_whose_client_no_package_has_is_an_error(
    shell: Shell, host: AptHost
) -> None:
    host.offer("docker.io")
    installed(shell, host, "docker.io")
    done = asked(shell, host, "client_packages")
    assert done.exit == 1
    assert "without the program docker" in done.stderr


def with_a_package(shell: Shell, host: AptHost) -> None:
    """A host that has something, as every host does."""
    host.offer("base-files")
    installed(shell, host, "base-files")


def noting(shell: Shell, host: AptHost, manifest: Path, *names: str) -> Reply:
    text = f'{FUNCTIONS}\ndocker() {{ :; }}\ninstall_with_client "$@"'
    sh = Sh.of(text, *names, lock_timeout_s=0, update_within_s=0)
    env = {**os.environ, "PROVISION_MANIFEST": str(manifest)}
    return run(host.shell(shell), sh, strict=True, env=env)


def noted(manifest: Path) -> list[str]:
    """Return the packages that are noted as absent before."""
    path = manifest / "manifest"
    lines = path.read_text().splitlines() if path.exists() else []
    prefix = "absent package:"
    return sorted({line.removeprefix(prefix) for line in lines if prefix in line})


@needs_apt
@EACH_SHELL
def test_what_came_is_noted(shell: Shell, host: AptHost, tmp_path: Path) -> None:
    with_a_package(shell, host)
    host.offer("runc")
    host.offer("docker.io", needs="runc")
    done = noting(shell, host, tmp_path / "noted", "docker.io")
    assert done.exit == 0, done.stderr
    assert noted(tmp_path / "noted") == ["docker.io", "runc"]


@needs_apt
@EACH_SHELL
def test_what_was_there_is_not_noted(
    shell: Shell, host: AptHost, tmp_path: Path
) -> None:
    host.offer("runc")
    installed(shell, host, "runc")
    host.offer("runc", "2.0")
    host.offer("docker.io", needs="runc (>= 2.0)")
    done = noting(shell, host, tmp_path / "noted", "docker.io")
    assert done.exit == 0, done.stderr
    assert noted(tmp_path / "noted") == ["docker.io"]


@needs_apt
@EACH_SHELL
def test_nothing_is_noted_where_nothing_came(
    shell: Shell, host: AptHost, tmp_path: Path
) -> None:
    host.offer("containerd.io")
    host.offer("docker.io", conflicts="containerd.io")
    installed(shell, host, "containerd.io")
    done = noting(shell, host, tmp_path / "noted", "docker.io")
    assert done.exit not in {0, None}
    assert "containerd.io" in done.stdout + done.stderr
    assert noted(tmp_path / "noted") == [], "a teardown would take the engine for ours"


@needs_apt
@EACH_SHELL
def test_an_install_that_is_killed_is_noted_as_far_as_it_came(
    shell: Shell, host: AptHost, tmp_path: Path
) -> None:
    host.offer("runc", postinst="kill -9 $(ps -o ppid= -p $PPID) $PPID")
    host.offer("docker.io", needs="runc")
    assert noting(shell, host, tmp_path / "noted", "docker.io").exit != 0
    assert noted(tmp_path / "noted") == ["docker.io", "runc"]


@needs_apt
@EACH_SHELL
def test_an_install_that_fails_half_way_is_noted_for_the_next_one(
    shell: Shell, host: AptHost, tmp_path: Path
) -> None:
    with_a_package(shell, host)
    host.offer("runc")
    host.offer("docker.io", needs="runc", postinst="[ -e /var/lib/apt/mended ]")
    assert noting(shell, host, tmp_path / "noted", "docker.io").exit not in {0, None}
    assert noted(tmp_path / "noted") == ["docker.io", "runc"]
    (tmp_path / "var/lib/apt/mended").touch()
    assert noting(shell, host, tmp_path / "noted", "docker.io").exit == 0
    assert noted(tmp_path / "noted") == ["docker.io", "runc"]
