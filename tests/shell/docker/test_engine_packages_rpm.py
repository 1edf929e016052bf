"""The packages of an engine where dnf or yum is: a stand-in with the words of the real ones.

Which packages a system's index has is taken from package lists, and was tried on no host.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from shells import EACH_SHELL, NOT_BUSYBOX, bare_tools, run_bare

from provision.model.shell import Reply, Sh
from provision.model.shell_file import read_shell
from provision.steps.docker.engine import engine

Shell = tuple[str, ...]
FUNCTIONS = read_shell(engine.__file__, "packages.sh")
MANAGER = """#!/bin/sh
[ "$1 $2" = '-q list' ] || exit 2
case "$3" in
--available | available) ;;
*) exit 2 ;;
esac
for name in {offers}; do
    [ "$name" != "$5" ] || {{ printf 'Available Packages\\n%s.x86_64  1-1  r\\n' "$5"; exit; }}
done
echo '{problem}' >&2
exit 1
"""
"""Answers as dnf 4.14 does, which lists no package that is installed."""
NONE = "Error: No matching Packages to list"
NONE_DNF_5 = "No matching packages to list"
UNREADABLE = (
    "Error: Failed to download metadata for repo: r: Cannot download repomd.xml"
)
CE = "docker-ce docker-ce-cli containerd.io"
SYSTEMS = {
    "RHEL 9 and its relatives, with Docker's repository": (f"{CE} podman-docker", CE),
    "Fedora where the client is a package of its own": (
        "moby-engine docker-cli podman-docker",
        "moby-engine docker-cli",
    ),
    "Fedora where the client is in the engine's package": (
        "moby-engine podman-docker",
        "moby-engine",
    ),
    "Fedora with Docker's repository": (f"{CE} moby-engine docker-cli", CE),
}


def asked(
    shell: Shell,
    folder: Path,
    offers: str,
    *,
    manager: str = "dnf",
    problem: str = NONE,
    function: str = "engine_packages",
    rpm: str = "",
) -> Reply:
    tools = bare_tools(folder / "bin")
    programs = {
        manager: MANAGER.format(offers=offers or "''", problem=problem),
        "rpm": f"#!/bin/sh\nfor last; do :; done\n[ \"$last\" = '{rpm}' ] && echo 1\n",
    }
    for name, text in programs.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    text = f'{FUNCTIONS}\nset -- $(choose {function})\n[ $# -gt 0 ] && echo "$@"'
    return run_bare(shell, Sh.of(text, lock_timeout_s=0, update_within_s=0), tools)


@EACH_SHELL
@pytest.mark.parametrize("manager", ["dnf", "yum"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_the_index_decides(
    shell: Shell, tmp_path: Path, system: str, manager: str
) -> None:
    offers, chosen = SYSTEMS[system]
    done = asked(shell, tmp_path, offers, manager=manager)
    assert done.stdout.strip() == chosen, done.stderr


@EACH_SHELL
@pytest.mark.parametrize("words", [NONE, NONE_DNF_5])
def test_a_rhel_without_the_repository_is_told_to_set_it_up(
    shell: Shell, tmp_path: Path, words: str
) -> None:
    done = asked(shell, tmp_path, "podman podman-docker", problem=words)
    assert done.exit == 1
    assert "no package of this host has a Docker engine" in done.stderr
    assert "repository" in engine.DockerEngine().advice(done.stderr)


@EACH_SHELL
@pytest.mark.parametrize("manager", ["dnf", "yum"])
def test_an_index_that_cannot_be_read_is_not_one_without_an_engine(
    shell: Shell, tmp_path: Path, manager: str
) -> None:
    done = asked(shell, tmp_path, "", manager=manager, problem=UNREADABLE)
    assert done.exit == 1
    assert UNREADABLE in done.stderr
    assert "no package of this host" not in done.stderr


@NOT_BUSYBOX
@pytest.mark.parametrize(
    ("there", "client"), [("moby-engine", "docker-cli"), ("docker-ce", "docker-ce-cli")]
)
def test_the_client_is_the_one_of_the_engine_that_is_there(
    shell: Shell, tmp_path: Path, there: str, client: str
) -> None:
    offers = "docker-cli docker-ce-cli"
    done = asked(shell, tmp_path, offers, function="client_packages", rpm=there)
    assert done.stdout.strip() == client, done.stderr


def test_a_conflict_is_told_as_one() -> None:
    words = (
        "problem with installed package podman-docker-1-1.noarch\n  - package "
        "podman-docker-1-1.noarch conflicts with docker-ce provided by docker-ce-1-1"
    )
    assert "remove that by hand" in engine.DockerEngine().advice(words)
