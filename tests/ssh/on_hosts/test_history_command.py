"""`history` and `images` over real sshds, one of which serves a host that hangs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import conftest
import pytest
from conftest import Sshd
from support.printed.schemas import check
from support.two_hosts import Hosts, hosts_of

LINE = (
    "1732776000.5 machine provision[7]: cluster=c run=1f3a by=ada@desk "
    'playbook=deploy from=192.0.2.7 login=admin change="file /x" fields=2:mode,content'
)
ANSWERS = (
    f"#!/bin/sh\ncat <<'END'\n{LINE}\n{LINE.partition(' change=')[0]} exit=2\nEND\n"
)
HANGS = "#!/bin/sh\nexec sleep 600\n"


def serving(folder: Path, text: str) -> Sshd:
    """An sshd of a host whose `journalctl` and `docker` are *text*."""
    tools = folder / "tools"
    tools.mkdir(parents=True)
    for name in ("journalctl", "docker"):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    path = f"PATH={tools}:/usr/bin:/bin"
    kept = f"PROVISION_MANIFEST={os.environ['PROVISION_MANIFEST']}"
    return conftest.start_sshd(folder, f"SetEnv {path} {kept}")


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    """Three hosts, of which the third hangs."""
    monkeypatch.setattr("provision.engine.history.history.LIMIT_S", 5.0)
    monkeypatch.setattr("provision.ray.images.survey.LIMIT_S", 5.0)
    good, bad = serving(tmp_path / "a", ANSWERS), serving(tmp_path / "b", HANGS)
    key = good.public("ed25519")
    third = f'ansible_port: {bad.port}, host_key: "{bad.public("ed25519")}"'
    try:
        yield hosts_of(tmp_path / "c", good.port, good.key_file, key, third=third)
    finally:
        good.stop()
        bad.stop()


def test_a_host_that_hangs_is_unknown_and_the_others_are_shown(hosts: Hosts) -> None:
    done = hosts.run("history", "--json")
    found = json.loads(done.stdout)
    check("history", found)
    [run] = found["runs"]
    assert (done.returncode, run["exit"], run["hosts"]) == (2, 2, ["node1", "node2"])
    assert found["oldest"] == {"node1": 1732776000, "node2": 1732776000}
    wanted = "node3: its journal was not read: it took too long"
    assert found["errors"] == {"node3": wanted}
    code, shown = hosts("history", "--run", "1f")
    assert (code, shown.count("file /x: mode, content")) == (2, 2)
    assert wanted in shown


def test_images_of_a_host_that_hangs_are_unknown(hosts: Hosts) -> None:
    code, shown = hosts("images", "--limit", "node3")
    assert (code, "node3: Docker has not answered for 5 s" in shown) == (2, True), shown
