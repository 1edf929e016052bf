"""A change of daemon.json that fails leaves the engine as it was; see `engine_host`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engine_host import EngineHost, engine_host
from shells import EACH_SHELL
from support.namespace_host.host import possible

from provision.model.change import Change
from provision.steps.docker.engine.engine import DockerEngine, Merge

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not possible(), reason="needs root and unshare"),
    pytest.mark.skipif(
        not (shutil.which("dockerd") and Path("/usr/bin/setpriv").exists()),
        reason="needs dockerd, which checks a daemon.json here",
    ),
]
OURS: dict[str, Any] = {"registry-mirrors": ["http://mirror:5000"]}
PASTS = {
    "runs": "mkdir -p /etc/docker; echo '{\"debug\": true}' >/etc/docker/daemon.json; "
    "systemctl enable docker; systemctl start docker",
    "runs without a daemon.json": "systemctl enable docker; systemctl start docker",
    "is off": "mkdir -p /etc/docker; echo '{}' >/etc/docker/daemon.json",
}
FAULTS: dict[str, dict[str, Any]] = {
    "dockerd does not know the key": {"no-such-key": 1},
    "dockerd refuses the value": {"default-runtime": "nowhere"},
    "it does not start with it": {"data-root": "/starts-not"},
    "it does not reload it": {"labels": ["why=reloads-not"]},
}


@pytest.fixture
def host(tmp_path: Path, shell: tuple[str, ...]) -> Iterator[EngineHost]:
    with engine_host(tmp_path, shell) as host:
        yield host


def is_possible(past: str, fault: str) -> bool:
    """Return whether an engine reloads, which only one that runs does."""
    return "reload" not in fault or past != "is off"


@EACH_SHELL
@pytest.mark.parametrize(
    ("past", "fault"), [(p, f) for p in PASTS for f in FAULTS if is_possible(p, f)]
)
def test_all_is_as_it_was(host: EngineHost, past: str, fault: str) -> None:
    host.run(PASTS[past])
    before = host.state()
    done = host.configure(**OURS, **FAULTS[fault])
    assert done.exit not in {0, None}, done.stdout
    if (past, fault) == ("is off", "it does not start with it"):
        # It was to run in any case, and can.
        before = [{"stopped": "{}"}.get(line, line) for line in before]
    assert host.state() == before, done.stderr
    [word] = FAULTS[fault]
    if "dockerd" in fault:
        assert word in done.stderr or "nowhere" in done.stderr, done.stderr
    # What is right is taken all the same.
    assert host.configure(**OURS).exit == 0


@EACH_SHELL
@pytest.mark.parametrize("past", PASTS)
def test_what_is_right_is_taken(host: EngineHost, past: str) -> None:
    host.run(PASTS[past])
    had = "debug" in PASTS[past]
    assert host.configure(**OURS).exit == 0
    loaded = json.loads(host.run("cat /run/engine/loaded"))
    assert loaded == {**({"debug": True} if had else {}), **OURS}
    assert host.run("ls /etc/docker").split() == ["daemon.json"]
    step = DockerEngine(daemon=OURS)
    assert step.plan(host.observed(step)) == []


@EACH_SHELL
def test_one_that_starts_with_neither_is_stopped(host: EngineHost) -> None:
    host.run(PASTS["runs"])
    # Somebody has written what it does not start with, and it has not been restarted.
    bad = '{"data-root": "/starts-not"}'
    host.write("/etc/docker/daemon.json", bad)
    done = host.configure(data_root="/starts-not-either")
    assert done.exit not in {0, None}
    assert "it is stopped" in done.stderr
    assert host.run("cat /etc/docker/daemon.json").strip() == bad
    assert host.run("ls /run/engine").split() == ["enabled", "unit"]


@EACH_SHELL
def test_what_a_killed_run_has_replaced_is_what_comes_back(host: EngineHost) -> None:
    host.run(PASTS["runs"])
    before = host.state()
    host.run(
        "cd /etc/docker; cp daemon.json daemon.json.old; : >/run/provision-docker-reload"
    )
    host.write("/etc/docker/daemon.json", '{"data-root": "/starts-not"}')
    step = DockerEngine(daemon={"data-root": "/starts-not"})
    changes = step.plan(host.observed(step))
    assert changes == [Change("loaded", "false", "true")]
    assert host.ask(step.apply(changes), strict=True).exit not in {0, None}
    assert host.state() == before


@EACH_SHELL
def test_the_flags_of_the_unit_are_checked_with_it(host: EngineHost) -> None:
    host.run(PASTS["runs"])
    words = "argv[]=/usr/sbin/dockerd -H fd:// $MORE ;"
    host.unit(f"ExecStart={{ path=/usr/sbin/dockerd ; {words} }}", "FragmentPath=/x")
    step = DockerEngine()
    sh = step.apply([Merge("daemon.hosts", None, "x", '{"hosts": ["unix:///x"]}')])
    done = host.ask(sh, strict=True)
    assert done.exit not in {0, None}
    assert (
        "specified both as a flag and in the configuration file: hosts" in done.stderr
    )


@EACH_SHELL
def test_a_dockerd_that_can_only_start_says_so(host: EngineHost) -> None:
    host.run(PASTS["runs"] + "; rm -f /usr/bin/setpriv")
    done = host.configure(**OURS)
    assert done.exit == 0
    assert "cannot check the daemon.json before" in done.stdout


@EACH_SHELL
def test_a_dockerd_that_can_check_is_asked(host: EngineHost) -> None:
    host.run(PASTS["runs"])
    before = host.state()
    # As dockerd 23.0 and later; not real.
    host.write(
        "/usr/sbin/dockerd",
        "#!/bin/sh\n"
        'case $* in *--help*) echo "--validate"; exit ;; esac\n'
        'echo "asked: $*" >&2; exit 1',
    )
    host.run("chmod 755 /usr/sbin/dockerd")
    done = host.configure(**OURS)
    assert done.exit not in {0, None}
    assert "--validate --config-file /etc/docker/daemon.json.new" in done.stderr
    assert host.state() == before
