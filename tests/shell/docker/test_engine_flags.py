"""The unit of an engine, and the words that dockerd is started with; the files are real."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_host import UNIT, EngineHost, engine_host
from shells import EACH_SHELL, without_room
from support.namespace_host.host import possible

from provision.steps.docker.engine.engine import DockerEngine

pytestmark = pytest.mark.skipif(not possible(), reason="needs root and unshare")
EXEC = (
    "ExecStart={{ path=/usr/sbin/dockerd ; argv[]=/usr/sbin/dockerd {words} ; "
    "ignore_errors=no ; start_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }}"
)
OVERRIDE = "/etc/systemd/system/docker.service.d/override.conf"


@pytest.fixture
def host(tmp_path: Path, shell: tuple[str, ...]) -> Iterator[EngineHost]:
    with engine_host(tmp_path, shell) as host:
        yield host


def flags(host: EngineHost) -> dict[str, str]:
    state = host.observed(DockerEngine())
    return {k[6:]: v for k, v in state.items() if k.startswith("flags.")}


@EACH_SHELL
def test_those_of_the_unit(host: EngineHost) -> None:
    words = "-H fd:// --containerd=/run/containerd/containerd.sock"
    host.unit(EXEC.format(words=words), f"FragmentPath={UNIT}", "DropInPaths=")
    assert flags(host) == {UNIT: words}


@EACH_SHELL
def test_a_unit_without_flags_has_none(host: EngineHost) -> None:
    bare = EXEC.format(words="").replace("dockerd  ;", "dockerd ;")
    host.unit(bare, f"FragmentPath={UNIT}", "DropInPaths=")
    assert flags(host) == {}


@EACH_SHELL
def test_those_of_a_drop_in(host: EngineHost) -> None:
    host.write(OVERRIDE, "[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd -D")
    host.write(f"{OVERRIDE[:-13]}proxy.conf", "[Service]\nEnvironment=HTTP_PROXY=x")
    more = f"DropInPaths={OVERRIDE} {OVERRIDE[:-13]}proxy.conf"
    host.unit(EXEC.format(words="-D"), f"FragmentPath={UNIT}", more)
    assert flags(host) == {OVERRIDE: "-D"}


@EACH_SHELL
@pytest.mark.parametrize("quote", ["", '"', "'"])
def test_those_of_a_variable_in_a_file(host: EngineHost, quote: str) -> None:
    text = f"# DOCKER_OPTS=-X\nSECRET=1\nDOCKER_OPTS={quote}--dns 8.8.8.8{quote}"
    host.write("/etc/default/docker", text)
    host.unit(
        EXEC.format(words="-H fd:// $DOCKER_OPTS"),
        f"FragmentPath={UNIT}",
        "EnvironmentFiles=/etc/default/missing (ignore_errors=yes)",
        "EnvironmentFiles=/etc/default/docker (ignore_errors=yes)",
    )
    assert flags(host) == {
        UNIT: "-H fd:// $DOCKER_OPTS",
        "/etc/default/docker (DOCKER_OPTS)": "--dns 8.8.8.8",
    }


@EACH_SHELL
@pytest.mark.parametrize(
    "environment", ['A=b "OPTIONS=--dns 8.8.8.8" HTTP_PROXY=x', '"A=b c" OPTIONS=--icc']
)
def test_those_of_a_variable_in_the_unit(host: EngineHost, environment: str) -> None:
    host.unit(
        EXEC.format(words="${OPTIONS}"),
        f"FragmentPath={UNIT}",
        f"Environment={environment}",
    )
    found = host.ask(DockerEngine().probe()).stdout
    last = "--icc" if "icc" in environment else "--dns 8.8.8.8"
    assert f"flags.{UNIT} (OPTIONS)={last}\n" in found
    assert "HTTP_PROXY" not in found


@EACH_SHELL
def test_a_unit_that_runs_it_by_a_shell(host: EngineHost) -> None:
    line = EXEC.format(words="-D").replace("argv[]=", "argv[]=/bin/sh -c exec ")
    host.unit(line, f"FragmentPath={UNIT}")
    assert flags(host) == {UNIT: "-D"}


@EACH_SHELL
def test_those_of_an_init_script(host: EngineHost) -> None:
    host.run("rmdir /run/systemd/system")
    host.write("/etc/init.d/docker", "")
    host.write("/etc/default/docker", 'export DOCKER_OPTS="--icc=false"')
    assert flags(host) == {
        "/etc/init.d/docker": "-p /var/run/docker.pid",
        "/etc/default/docker (DOCKER_OPTS)": "--icc=false",
    }


@EACH_SHELL
def test_those_of_a_unit_that_is_yet_to_come(host: EngineHost) -> None:
    host.run("rm -f /usr/sbin/dockerd /usr/local/bin/docker")
    assert without_room(host.observed(DockerEngine())) == {"init": "systemd"}
    host.write(OVERRIDE, "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd")
    assert without_room(host.observed(DockerEngine())) == {}, "its own start"


@EACH_SHELL
@pytest.mark.parametrize(
    ("load", "seen"), [("masked", "masked"), ("not-found", "missing")]
)
def test_a_unit_that_cannot_start_it(host: EngineHost, load: str, seen: str) -> None:
    host.write("/run/engine/unit", f"LoadState={load}")
    assert host.observed(DockerEngine())["unit"] == seen


@EACH_SHELL
@pytest.mark.parametrize(
    ("unit", "boot"),
    [("enabled", "true"), ("disabled", "false"), ("generated", "true")],
)
def test_a_unit_that_starts_it_at_boot(host: EngineHost, unit: str, boot: str) -> None:
    host.run("touch /run/engine/enabled")
    host.write("/run/engine/unit", f"LoadState=loaded\nUnitFileState={unit}")
    assert host.observed(DockerEngine())["boot"] == boot
