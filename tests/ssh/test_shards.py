"""Shards: parts of the hosts, each brought to a playbook by a process of its own.

The functions are those of docs/scale.md, as they are printed there.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pwd
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Sshd

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "scale.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
CALL = """
import json, sys
from provision.errors import LockHeldError
name, hosts, playbook = json.loads(sys.argv[1])
try:
    print(json.dumps(apply_shard(name, hosts, playbook)))
except LockHeldError as error:
    print(json.dumps({"refused": str(error)}))
"""
BY_RAY = """
import json, sys
parts, playbook = json.loads(sys.argv[1])
import ray
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
task = ray.remote(num_cpus=1, max_retries=0)(apply_shard)
found = ray.get([task.remote(name, part, playbook) for name, part in parts.items()])
print(json.dumps(found))
"""
WAIT_S = 60


@pytest.fixture
def playbook(tmp_path: Path) -> Iterator[Path]:
    """A playbook of one file on each host."""
    book = tmp_path / "site.yml"
    path = f"{tmp_path}/{{{{ name }}}}.txt"
    book.write_text(
        "- play: notes\n  hosts: all\n  steps:\n"
        f"    - file: {{ path: '{path}', content: 'for {{{{ name }}}}' }}\n"
    )
    yield book
    for place in ("/run", "/run/lock"):
        for lock in Path(place).glob(f"provision-test{os.getpid()}-*"):
            lock.unlink(missing_ok=True)


def hosts(sshd: Sshd, count: int) -> dict[str, Any]:
    """Return hosts that are all this sshd."""
    login = {
        "ansible_host": "127.0.0.1",
        "ansible_port": sshd.port,
        "ansible_user": pwd.getpwuid(os.geteuid()).pw_name,
        "ansible_ssh_private_key_file": str(sshd.key_file),
        "host_key": sshd.public("ed25519"),
    }
    return {f"node{n}": {**login, "name": f"node{n}"} for n in range(count)}


def begin(code: str, argument: object, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", f"{BLOCKS[0]}\n{code}", json.dumps(argument)]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, cwd=folder, env=env
    )


def result(process: subprocess.Popen[str]) -> Any:
    out, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1])


def divided(sshd: Sshd, count: int) -> dict[str, dict[str, Any]]:
    """Divide four hosts as the page does, under names of this test's own."""
    names: dict[str, Any] = {}
    exec(BLOCKS[0], names)
    parts: dict[str, dict[str, Any]] = names["shards"](hosts(sshd, 4), count)
    return {f"test{os.getpid()}-{name}": part for name, part in parts.items()}


def test_every_host_is_in_one_shard(sshd: Sshd) -> None:
    parts = divided(sshd, 3)
    names = [name for part in parts.values() for name in part]
    assert sorted(names) == ["node0", "node1", "node2", "node3"]
    assert divided(sshd, 3) == parts


def test_two_shards_run_side_by_side_each_with_a_lock_of_its_own(
    sshd: Sshd, playbook: Path, tmp_path: Path
) -> None:
    parts = divided(sshd, 2)
    for changed in (2, 0):
        running = [
            begin(CALL, [name, part, str(playbook)], tmp_path)
            for name, part in parts.items()
        ]
        found = [result(process) for process in running]
        assert [one["shard"] for one in found] == list(parts)
        assert [one["exit_code"] for one in found] == [0, 0]
        assert [one["changed"] for one in found] == [changed, changed]
    assert {n for one in found for n in one["round_trips"].values()} == {1}
    texts = {file.read_text() for file in tmp_path.glob("node*.txt")}
    assert texts == {"for node0", "for node1", "for node2", "for node3"}


def test_a_second_run_of_the_same_shard_is_refused_while_the_first_one_changes(
    sshd: Sshd, playbook: Path, tmp_path: Path
) -> None:
    wait = f"touch {tmp_path}/begun; until [ -e {tmp_path}/go ]; do sleep 0.1; done"
    text = playbook.read_text().replace(" }\n", f", check: [sh, -c, '{wait}'] }}\n")
    playbook.write_text(text)
    name, part = next(iter(divided(sshd, 4).items()))
    first = begin(CALL, [name, part, str(playbook)], tmp_path)
    deadline = time.monotonic() + WAIT_S
    while not (tmp_path / "begun").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    try:
        second = result(begin(CALL, [name, part, str(playbook)], tmp_path))
    finally:
        (tmp_path / "go").touch()
    assert name in second["refused"]
    assert f"process {first.pid}" in second["refused"]
    assert result(first)["changed"] == 1


@pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed here"
)
def test_shards_run_as_tasks_of_ray(sshd: Sshd, playbook: Path, tmp_path: Path) -> None:
    parts = divided(sshd, 2)
    found = result(begin(BY_RAY, [parts, str(playbook)], tmp_path))
    assert [one["changed"] for one in found] == [2, 2]
    assert [one["shard"] for one in found] == list(parts)
