"""A host's own log has its changes, and odd values do nothing to it."""

from __future__ import annotations

import base64
import getpass
import json
import socket
from collections.abc import Iterator

import pytest
from support.lab.one_host import changes, sh

from provision.steps.docker.container.container import (
    DockerContainer,
    DockerContainerAbsent,
)
from provision.steps.files.absent.file_absent import FileAbsent
from provision.steps.files.file import Directory, File
from provision.steps.services.units.systemd_unit import SystemdUnit
from provision.steps.services.units.unit_absent import SystemdUnitAbsent
from provision.steps.system.users import User, UserAbsent

PLACE = "/srv/security-tests"
LINE = '-- it\'s $(touch canary) `touch canary` ; touch canary & "$x" \\ 100% * é\u202e'
TEXT = f"{LINE}\n$(touch canary)\n'; touch canary; '\nEOF\n{LINE}\n"
LONG = TEXT * (100_000 // len(TEXT.encode()) + 1)
QUOTED = LINE.replace('"', "")
"""Docker reads its options for mounts as CSV: no double quotes."""
IMAGE = "rayproject/ray:2.60.0"
pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("running_lab"),
]


def test_the_journal_of_a_host_says_who_changed_what_and_from_where() -> None:
    sh(f"rm -rf {PLACE}")
    since = sh("date +%s")
    made = Directory(path=PLACE), File(path=f"{PLACE}/note", content="hunter2 is it")
    try:
        assert len(changes(*made)) > 2, "and a second run, which changes nothing"
    finally:
        changes(FileAbsent(paths=[PLACE]))
    # Where ssh's own log says the login came from.
    gate = sh("ip route show default | sed 's/^default via //; s/ .*//'")
    journal = sh(f"journalctl -q -o cat -t provision --since @{since}").splitlines()
    runs = {line.split(" run=")[1].split()[0] for line in journal}
    about = f"by={getpass.getuser()}@{socket.gethostname()} from={gate} login=admin"
    clusters = [line.partition(" by=")[0].split(" run=")[0] for line in journal]
    assert clusters == ["cluster=step-tests"] * 5
    assert all(about in line for line in journal), journal
    changed = [line.partition("change=")[2] for line in journal if "change=" in line]
    assert changed == [
        f'"directory {PLACE}" fields=4:type,owner,group,mode',
        f'"file {PLACE}/note" fields=5:type,owner,group,mode,content',
        f'"no {PLACE}" fields=1:{PLACE}',
    ]
    assert [line for line in journal if line.endswith(" exit=0")] == journal[2::2]
    assert len(runs) == 2
    assert "hunter2" not in "\n".join(journal)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def canaries() -> str:
    """Return the traces of what was run and should not have been."""
    return sh("find / -xdev -name canary -not -path '/proc/*'")


@pytest.fixture
def _swept() -> Iterator[None]:
    yield
    sh(
        f"rm -rf {PLACE} /srv/--*; userdel security-test 2>/dev/null; docker rm -f odd || true"
    )
    sh("rm -f /etc/systemd/system/odd.service; systemctl daemon-reload")


@pytest.mark.usefixtures("_swept")
def test_odd_values_are_never_run_and_arrive_as_they_are() -> None:
    folder = f"{PLACE}/{LINE}"
    made = (
        Directory(path=folder),
        File(path=f"{folder}/{LINE}", content=TEXT),
        File(path=f"{PLACE}/long", content=LONG, check=["test", LINE, "!=", "x", "-a"]),
        SystemdUnit(
            name="odd.service", content=f"# {LINE}\n[Service]\nExecStart=true\n"
        ),
        User(name="security-test", home=f"/srv/{LINE}"),
    )
    assert len(changes(*made)) > 10, "and a second run, which sees them as they are"
    assert sh(f"ls {PLACE}/-*") == LINE
    assert sh(f"base64 -w0 {PLACE}/-*/-*") == encoded(TEXT)
    assert sh(f"base64 -w0 {PLACE}/long") == encoded(LONG)
    assert sh("sed -n 1p /etc/systemd/system/odd.service") == f"# {LINE}"
    assert sh("getent passwd security-test").split(":")[5] == f"/srv/{LINE}"
    changes(
        FileAbsent(paths=[PLACE]),
        SystemdUnitAbsent(names=["odd.service"]),
        UserAbsent(name="security-test"),
    )
    assert sh(f"ls {PLACE} /etc/systemd/system/odd.service 2>/dev/null || true") == ""
    assert canaries() == ""


@pytest.mark.usefixtures("_swept")
def test_odd_values_of_a_container_arrive_as_they_are() -> None:
    if not sh(f"docker image inspect -f yes {IMAGE} 2>/dev/null || true"):
        pytest.skip("no cluster was deployed to this host")
    container = DockerContainer(
        name="odd",
        image=IMAGE,
        command=["sh", "-c", "sleep 600", TEXT],
        env={"ODD": TEXT},
        labels={"odd": LINE},
        mounts=[f"{PLACE}/{QUOTED}:/odd"],
        network="none",
    )
    changes(Directory(path=f"{PLACE}/{QUOTED}"), container)
    [seen] = json.loads(sh("docker inspect odd"))
    assert f"ODD={TEXT}" in seen["Config"]["Env"]
    assert seen["Config"]["Labels"]["odd"] == LINE
    assert seen["Config"]["Cmd"] == ["sh", "-c", "sleep 600", TEXT]
    assert [mount["Source"] for mount in seen["Mounts"]] == [f"{PLACE}/{QUOTED}"]
    changes(DockerContainerAbsent(names=["odd"]), FileAbsent(paths=[PLACE]))
    assert canaries() == ""
