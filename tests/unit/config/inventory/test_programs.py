"""Programs that print an inventory: run once, within limits, and heard when they fail."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from provision.config import inventory as inventories
from provision.config.inventory.formats import executable
from provision.config.inventory.formats.executable import Executable
from provision.errors import InputError, InventoryError

EMPTY = '{"_meta": {"hostvars": {}}}'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def program(folder: Path, *lines: str) -> Path:
    path = folder / "inv.sh"
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(0o755)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        inventories.load(path)
    return str(caught.value)


def test_its_last_words_are_shown_when_it_fails(folder: Path) -> None:
    path = program(folder, "seq 1 50 >&2; echo no credentials >&2; exit 3")
    said = refusal(path)
    assert said.startswith(
        "inv.sh: the program --list ended with exit code 3\n  | 42\n"
    )
    assert said.endswith("\n  | no credentials")


def test_one_that_hangs_is_killed_with_its_children(folder: Path) -> None:
    path = program(folder, "sleep 60 & echo $! > child; wait")
    begin = time.monotonic()
    with pytest.raises(InventoryError, match=r"--list did not end in 2 s"):
        Executable(path, seconds=2).output("--list")
    assert time.monotonic() - begin < 20
    child = Path("/proc") / (folder / "child").read_text().strip() / "cmdline"
    assert not child.exists() or child.read_bytes() == b""


def test_the_limit_is_for_all_its_runs_together(folder: Path) -> None:
    slow = Executable(program(folder, "sleep 1.5"), seconds=2.5)
    slow.output("--host", "a")
    time.sleep(0.5)
    with pytest.raises(InventoryError, match="did not end"):
        slow.output("--host", "b")


def test_one_that_prints_without_end_is_stopped(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executable, "MOST_BYTES", 100_000)
    assert "prints more than 100000 bytes" in refusal(program(folder, "yes"))
    few = program(folder, "yes | head -c 200000")
    assert "prints more than 100000 bytes" in refusal(few)


def test_it_has_no_terminal_and_no_input(folder: Path) -> None:
    path = program(folder, f"cat; test -t 0 || echo '{EMPTY}'")
    assert "there is no host in it" in refusal(path)


def test_what_is_no_text_is_refused(folder: Path) -> None:
    said = refusal(program(folder, r"printf '\377'"))
    assert said == "inv.sh: the program --list prints what is not text in UTF-8"


def test_an_error_in_what_it_prints_says_where(folder: Path) -> None:
    text = '{"web": {"hosts": ["a"], "vars": {"ansible_port": "x"}}, "_meta": {"hostvars": {}}}'
    said = refusal(program(folder, f"echo '{text}'"))
    assert said == "inv.sh: web.vars.ansible_port: 'x' is not a port; 1 to 65535"


def test_a_host_is_asked_for_once(folder: Path) -> None:
    path = program(
        folder,
        'echo "$@" >> calls',
        """case $1 in --list) echo '{"a": ["x", "y"], "b": ["x"]}' ;; *) echo {} ;; esac""",
    )
    assert [*inventories.load(path).hosts] == ["x", "y"]
    calls = (folder / "calls").read_text().splitlines()
    assert calls == ["--list", "--host x", "--host y"]
