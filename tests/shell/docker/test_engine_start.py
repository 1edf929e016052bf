"""An engine that does not start: whose fault it is, in dockerd's own words."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from shells import EACH_SHELL, NOT_BUSYBOX, bare_tools, run, run_bare
from support.namespace_host.host import NamespaceHost
from support.namespace_host.host import possible as host_possible

from provision.steps.docker.engine.engine import DockerEngine

Shell = tuple[str, ...]
SETUP = r"""
cd "$1"
ip link set lo up
mkdir -p data exec
printf '%s' "$3" >daemon.json
eval "$2"
exec timeout -k 2 20 dockerd --config-file "$PWD/daemon.json" --data-root "$PWD/data" \
    --exec-root "$PWD/exec" --pidfile "$PWD/pid" -H "unix://$PWD/sock" $more >log 2>&1
"""
"""Starts a real dockerd on folders and a network of its own; it ends with the test."""
OF_SYSTEMD = """docker.service: Main process exited, code=exited, status=1/FAILURE
docker.service: Failed with result 'exit-code'.
Failed to start docker.service - Docker Application Container Engine.
docker.service: Scheduled restart job, restart counter is at 3.
docker.service: Start request repeated too quickly.
Failed to start docker.service - Docker Application Container Engine.
"""
NO_BRIDGE = "more=--bridge=none; "
NO_IPTABLES = """more=; mkdir bin
for program in dockerd containerd containerd-shim-runc-v2 runc docker-init timeout; do
    ln -s "$(command -v $program)" bin
done
PATH=$PWD/bin
"""
CASES = {
    "a key that it does not know": (
        NO_BRIDGE,
        '{"live-restor": true}',
        "directives don't match any configuration option: live-restor",
        "daemon.json",
    ),
    "no room": (
        f"{NO_BRIDGE} mount -t tmpfs -o size=64k full data",
        "{}",
        "no space left on device",
        "make room",
    ),
    "no control groups": (
        f"{NO_BRIDGE} umount -R /sys/fs/cgroup",
        "{}",
        "cgroup",
        "control groups",
    ),
    "no iptables": (NO_IPTABLES, "{}", "ptables not found", "install iptables"),
    "a storage driver that this kernel does not have": (
        NO_BRIDGE,
        '{"storage-driver": "zfs"}',
        "error initializing graphdriver",
        "modprobe overlay",
    ),
}
needs_dockerd = pytest.mark.skipif(
    not (host_possible() and shutil.which("dockerd")), reason="needs root and dockerd"
)


@cache
def last_words(case: str, folder: Path) -> str:
    """Return what a real dockerd prints that cannot start."""
    prepare, document, *_ = CASES[case]
    folder.mkdir()
    namespaces = ("--mount", "--net", "--pid", "--fork", "--kill-child")
    words = ("unshare", *namespaces, "sh", "-c", SETUP, "sh")
    subprocess.run([*words, str(folder), prepare, document], check=False, timeout=40)
    return (folder / "log").read_text(errors="replace")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dockerd")


@needs_dockerd
@EACH_SHELL
@pytest.mark.parametrize("case", CASES)
def test_the_reason_is_the_one_that_dockerd_gives(
    shell: Shell, tmp_path: Path, folders: Path, case: str
) -> None:
    *_, reason, advice = CASES[case]
    step = DockerEngine(daemon={"debug": True})
    shown = evidence(shell, tmp_path, last_words(case, folders / case[:9]))
    said, *rest = shown.splitlines()
    assert said.startswith("dockerd said: ")
    assert reason in said
    assert rest[-1] == OF_SYSTEMD.splitlines()[-1], "the last lines are shown as well"
    assert advice in step.advice(f"failed with exit code 1\n{shown}")
    assert ("daemon.json" in step.advice(shown)) == ("daemon.json" in said)


def evidence(shell: Shell, folder: Path, log: str) -> str:
    """Return the evidence where journalctl, a stand-in, has *log*."""
    tools = bare_tools(folder / "bin")
    (folder / "journal").write_text(log + OF_SYSTEMD)
    (tools / "journalctl").write_text(f"#!/bin/sh\ncat {folder}/journal\n")
    (tools / "journalctl").chmod(0o755)
    done = run_bare(shell, DockerEngine().evidence(), tools)
    assert done.exit == 0, done.stderr
    return done.stdout


@EACH_SHELL
def test_where_dockerd_gives_no_reason_its_lines_are_blamed_on_nothing(
    shell: Shell, tmp_path: Path
) -> None:
    noise = 'level=info msg="[core] transport containerd cgroup" module=grpc\n'
    shown = evidence(shell, tmp_path, noise)
    assert "dockerd said" not in shown
    assert DockerEngine().advice(shown) == ""


@EACH_SHELL
def test_a_containerd_that_is_down_is_told(shell: Shell, tmp_path: Path) -> None:
    # Of Docker 20.10, which waits a minute before it gives up.
    line = (
        'failed to start daemon: failed to dial "/run/containerd/containerd.sock": '
        "context deadline exceeded\n"
    )
    shown = evidence(shell, tmp_path, line)
    assert "systemctl status containerd" in DockerEngine().advice(shown)


@EACH_SHELL
def test_a_dockerd_that_systemd_cannot_run_is_told(
    shell: Shell, tmp_path: Path
) -> None:
    line = "docker.service: Failed at step EXEC spawning /usr/bin/dockerd: No such file"
    [said, *_] = evidence(shell, tmp_path, f"{line}\n").splitlines()
    assert said == f"dockerd said: {line}"


DOCKER = "#!/bin/sh\n[ -e /run/engine-runs ]\n"
SYSTEMCTL = """#!/bin/sh
case $1 in
start | restart) rm -f /run/engine-runs; [ -e /run/broken ] || grep -qs bad \
    /etc/docker/daemon.json || { : >/run/engine-runs; exit 0; }; exit 1 ;;
esac
"""
"""Stand-ins: an engine that starts unless its file is bad, or the host is broken."""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[NamespaceHost]:
    if not host_possible():
        pytest.skip("needs root, unshare and nsenter")
    with NamespaceHost(tmp_path / "host") as host:
        for path, text in (
            ("/usr/local/bin/docker", DOCKER),
            ("/usr/bin/systemctl", SYSTEMCTL),
            ("/usr/local/bin/dockerd", "#!/bin/sh\n"),
        ):
            host.run(f"rm -f {path}; cat >{path} <<'END'\n{text}END\nchmod 755 {path}")
        host.run("mkdir -p /etc/docker; echo '{}' >/etc/docker/daemon.json")
        yield host


def configure(host: NamespaceHost, shell: Shell, **keys: object) -> tuple[str, str]:
    """Return what a change prints that sets *keys*, and daemon.json after it."""
    step = DockerEngine(daemon=keys)
    state = {"engine": "installed", "client": "installed", "running": "true"}
    changes = step.plan({**state, "boot": "true", "loaded": "true", "file": "{}"})
    assert {change.field for change in changes} == {f"daemon.{key}" for key in keys}
    done = run((*host.shell[:-1], *shell), step.apply(changes), strict=True)
    assert done.exit not in {0, None}, done.stderr
    return done.stderr, host.run("cat /etc/docker/daemon.json")


@NOT_BUSYBOX
@pytest.mark.parametrize("ran", [True, False])
def test_a_daemon_json_is_blamed_when_docker_starts_without_it(
    shell: Shell, host: NamespaceHost, ran: bool
) -> None:
    if ran:
        host.run(": >/run/engine-runs")
    problem, file = configure(host, shell, bip="bad")
    assert "it runs with the old one, which is put back" in problem
    assert "not the reason" not in problem
    assert json.loads(file) == {}
    assert host.run("ls /run/engine-runs").strip() == "/run/engine-runs"


@NOT_BUSYBOX
@pytest.mark.parametrize("ran", [True, False])
def test_a_daemon_json_is_not_blamed_when_docker_does_not_start_without_it(
    shell: Shell, host: NamespaceHost, ran: bool
) -> None:
    if ran:
        host.run(": >/run/engine-runs")
    host.run(": >/run/broken")
    problem, file = configure(host, shell, bip="10.9.0.1/24")
    assert "daemon.json is not the reason" in problem
    assert "it runs with" not in problem
    assert json.loads(file) == {}, "and is as it was all the same"
