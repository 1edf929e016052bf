"""Calls of the program ssh for its configuration: their number, and their answers."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import config
from support.openssh10 import openssh_10

from provision.config.ssh import SshRequest, files, program, resolve
from provision.errors import InputError


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """The commands of ssh that were run for its configuration."""
    commands: list[Sequence[str]] = []
    run = subprocess.run

    def counted(command: Sequence[str], **options: Any) -> Any:
        commands.append(command)
        return run(command, **options)

    monkeypatch.setattr(subprocess, "run", counted)
    return commands


PLAIN = "".join(
    f"Host n{n}\n  HostName 10.0.{n // 250}.{n % 250}\n" for n in range(500)
)


@pytest.mark.parametrize(
    ("text", "most"),
    [
        (PLAIN + "Host *\n  User ops\n", 1),
        (f"Include hosts\n{PLAIN}", 1),
        (f"Match host 10.0.1.*\n  Port 23\n{PLAIN}Match user x\n  Port 24\n", 1),
        (f'Match exec "true"\n  Port 23\n{PLAIN}Match !exec "false"\n  User x\n', 3),
        ("Match final host n4*\n  Port 23\n", 3),
    ],
)
def test_500_hosts_are_few_processes(
    home: Path, asked: list[Sequence[str]], text: str, most: int
) -> None:
    program.defaults.cache_clear()
    config(home, text)
    config(home, "Host n7*\n  Port 77\n", "hosts")
    found = [resolve(SshRequest(f"n{n}")) for n in range(500)]
    assert len({one.host for one in found}) == 500
    assert len(asked) <= most


def test_of_plain_lines_ssh_is_not_asked(
    home: Path, asked: list[Sequence[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "SYSTEM_FILE", str(home / "system"))
    (home / "system").write_text("Host *\n  SendEnv LANG LC_*\n  HashKnownHosts yes\n")
    config(home, f"Include more\n{PLAIN}Host *\n  IdentityFile ~/.ssh/key\n")
    config(home, "Host n7\n  Port 77\n", "more")
    assert resolve(SshRequest("n7")).port == 77
    assert asked == []
    config(home, "Host n7\n  Port seven\n", "more")
    with pytest.raises(InputError, match="Bad port"):
        resolve(SshRequest("n7"))


@pytest.fixture
def newer_ssh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """OpenSSH 10's ssh is the one on the PATH."""
    programs = openssh_10().programs
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    program.defaults.cache_clear()
    yield
    program.defaults.cache_clear()


@pytest.mark.usefixtures("newer_ssh")
@pytest.mark.parametrize(
    "block",
    [
        "Match localnetwork 198.51.100.0/24\n  ProxyJump nowhere.invalid\n",
        "Match tagged prod\n  Port 1\n",
        "Match version OpenSSH_9.*\n  Port 1\n",
    ],
)
def test_words_of_a_newer_ssh_mean_what_it_takes_them_for(
    home: Path, block: str
) -> None:
    config(home, f"{block}Host node1\n  HostName 127.0.0.1\n  Port 23\n  User root\n")
    found = resolve(SshRequest("node1"))
    assert (found.host, found.port, found.user) == ("127.0.0.1", 23, "root")
    assert found.proxy_jump == ""


def test_words_that_the_installed_ssh_does_not_know_are_refused_with_its_own(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.defaults.cache_clear()
    config(home, "Host a\n  Port 23\nMatch weather rain\n  Port 1\n")
    with pytest.raises(InputError, match=r"(?s)weather.*config:3"):
        resolve(SshRequest("a"))
