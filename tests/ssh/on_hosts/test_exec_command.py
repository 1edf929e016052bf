"""`exec` over a real sshd: outputs, exit codes, what goes wrong on single hosts."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Sshd, free_port
from support.two_hosts import Hosts, hosts_of


@pytest.fixture
def hosts(sshd: Sshd, tmp_path: Path) -> Hosts:
    return hosts_of(tmp_path / "c", sshd.port, sshd.key_file, sshd.public("ed25519"))


def with_third(sshd: Sshd, folder: Path, third: str) -> Hosts:
    key = sshd.public("ed25519")
    return hosts_of(folder / "c", sshd.port, sshd.key_file, key, third=third)


def test_equal_outputs_are_shown_once(hosts: Hosts) -> None:
    assert hosts("exec", "--", "echo", "a  b") == (
        0,
        "node1, node2 and node3 (3)\n  a  b\n",
    )


def test_a_word_is_a_line_for_sh_and_several_are_arguments(hosts: Hosts) -> None:
    assert hosts("exec", "--limit", "node1", "--", "echo '$HOME' | tr O o") == (
        0,
        "$HoME\n",
    )
    hostile = ["printf", "%s|", "*", "$(id)", "a b", "--help", "'\"\\", ""]
    assert hosts("exec", "--limit", "node1", "--", *hostile) == (
        0,
        "*|$(id)|a b|--help|'\"\\||",
    )


def test_the_exit_code_is_the_commands_own(hosts: Hosts) -> None:
    for code in (96, 124, 255):
        assert hosts("exec", "--limit", "node1", "--", f"exit {code}")[0] == code
    code, shown = hosts("exec", "--", "exit 7")
    assert (code, shown) == (7, "node1, node2 and node3 (3)  exit 7\n")


def test_binary_output_of_one_host_comes_byte_by_byte(hosts: Hosts) -> None:
    done = hosts.run("exec", "--limit", "node1", "--", "printf '\\000\\377\\n\\r'")
    assert (done.returncode, done.stdout) == (0, b"\0\xff\n\r")
    code, shown = hosts("exec", "--", "printf '\\000\\377'")
    assert code == 0
    assert "binary, 2 bytes" in shown


def test_json_has_all_hosts(sshd: Sshd, tmp_path: Path) -> None:
    # A refused login is final: no second attempt, for which the test would wait.
    refused = with_third(sshd, tmp_path, "ansible_user: nobody-of-this-name")
    done = refused.run("exec", "--json", "--", "echo out; echo err >&2")
    found = json.loads(done.stdout)
    assert done.returncode == found["exit_code"] == 4
    assert found["hosts"]["node1"] == {"exit": 0, "stdout": "out\n", "stderr": "err\n"}
    assert "error" in found["hosts"]["node3"]


def test_a_host_that_cannot_be_reached_stops_no_other(
    sshd: Sshd, tmp_path: Path
) -> None:
    closed = with_third(sshd, tmp_path, f"ansible_port: {free_port()}")
    code, shown = closed("exec", "--", "echo", "there")
    assert code == 4
    assert "node1 and node2 (2)\n  there\n" in shown
    assert "error: " in shown
    assert "node3" in shown
    assert "Traceback" not in shown


def test_a_command_that_hangs_ends_with_its_time(hosts: Hosts) -> None:
    code, shown = hosts("exec", "--timeout", "1", "--limit", "node1", "--", "sleep 60")
    assert code == 124
    assert "ended after 1 s: node1" in shown


def test_ctrl_c_shows_what_has_come(hosts: Hosts, sshd: Sshd, tmp_path: Path) -> None:
    # The host that makes the folder ends at once, the others hang.
    first, others = tmp_path / "first", tmp_path / "others"
    others.mkdir()
    line = f"mkdir {first} && {{ echo well; exit; }}; touch {others}/$$; sleep 600"
    child = hosts.start("exec", "--", line)
    # The connection of the first is closed when its result has come.
    _wait(lambda: len([*others.iterdir()]) == 2 and len(sshd.sessions()) == 2)
    os.kill(child.pid, signal.SIGINT)
    shown = child.communicate(timeout=60)[0].decode()
    assert child.returncode == 130, shown
    assert "interrupted; no end was seen on" in shown
    assert "\n  well\n" in shown
    assert "Traceback" not in shown


def _wait(ready: Callable[[], bool], limit_s: float = 60) -> None:
    ends = time.monotonic() + limit_s
    while not ready():
        assert time.monotonic() < ends
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["exec"], "there is no command"),
        (["exec", "--limit", "node9", "--", "true"], "node9"),
        (["exec", "--timeout", "soon", "--", "true"], "--timeout takes a number"),
        (["shell", "node9"], "node9"),
        (["shell", "node1"], "there is no terminal for a shell"),
        (["shell", "workers"], "several hosts"),
        (["cp", "nothing", "node1:/tmp/"], "there is no file"),
        (["cp", "lab.yml", "other.yml"], "one of"),
        (["cp", "node1:/a", "node2:/b"], "one of"),
        (["cp", "lab.yml", "node1:tmp"], "begins with /"),
        (["cp", "lab.yml", "node9:/tmp/"], "node9"),
        (["logs", "--of", "nothing"], "there is no log"),
        (["logs", "--since", "yesterday"], "is no age"),
        (["ray"], "there is no command of Ray"),
    ],
)
def test_bad_input_is_one_line(hosts: Hosts, words: list[str], said: str) -> None:
    code, shown = hosts(*words)
    assert (code, shown.count("\n")) == (5, 1), shown
    assert shown.startswith("error: ")
    assert said in shown


def test_a_host_where_nothing_is_deployed_says_so(hosts: Hosts) -> None:
    code, shown = hosts("exec", "--container", "--limit", "node1", "--", "true")
    assert code == 2
    # This machine may have no Docker, or one that does not run.
    assert "not deployed" in shown or "Docker does not answer: " in shown
    assert "Docker does not answer:\n" not in shown
    assert "Traceback" not in shown
