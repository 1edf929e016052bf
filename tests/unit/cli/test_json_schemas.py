"""Output of commands with --json, compared with the schemas in docs/schemas."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.cluster_pages import TOKEN, pages
from support.printed.in_folder import run
from support.printed.schemas import FOLDER, check

from provision.cli import namespace
from provision.cli.listing.groups import shown_name

INVENTORY = """
all:
  vars:
    ansible_connection: local
    ansible_become: false
    cluster: c
    data_dir: {data}
    ray_dashboard_host: 127.0.0.1
    ray_ports: {{dashboard: {port}}}
  children:
    head: {{hosts: {{one: {{address: 10.0.0.1}}}}}}
    workers: {{hosts: {{gone: {{address: 10.0.0.2, ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_port: 1}}}}}}
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A cluster of this machine, and of a host that is not there; Ray is a stand-in."""
    with tempfile.TemporaryDirectory(prefix="p-") as name, pages() as servers:
        made = Path(name)
        text = INVENTORY.format(data=made / "d", port=servers.ports[0])
        (made / "i.yml").write_text(text)
        logs = made / "d/ray/session_1/logs"
        logs.mkdir(parents=True)
        (made / "d/ray/session_latest").symlink_to(logs.parent)
        (logs / "raylet.out").write_text("a line\n")
        (made / "d/auth_token").write_text(TOKEN)
        (made / "source").write_text("content\n")
        yield made


def printed(folder: Path, *words: str) -> tuple[int, str]:
    cut = words.index("--") if "--" in words else len(words)
    options = ("-i", "i.yml", "--json")
    code, out, err = run(folder, *words[:cut], *options, *words[cut:])
    assert "Traceback" not in err
    assert out, err
    return code, out


def checked(command: str, text: str) -> Any:
    value = json.loads(text)
    check(command, value)
    return value


def test_every_command_with_json_has_a_schema_and_the_other_way_round() -> None:
    root = namespace()
    with_json = {
        shown_name(name, aliases)
        for name, aliases in root.task_names.items()
        if any(argument.name == "json" for argument in root[name].get_arguments())
    }
    titles = [json.loads(path.read_text())["title"] for path in FOLDER.glob("*.json")]
    named = [name for title in titles for name in re.findall(r"(\S+) --json", title)]
    assert sorted(named) == sorted(with_json)


@pytest.mark.slow
def test_exec(folder: Path) -> None:
    code, text = printed(folder, "exec", "--", "printf 'a\\377'; echo b >&2; exit 7")
    found = checked("exec", text)
    assert (code, found["exit_code"]) == (4, 4)
    assert found["hosts"]["one"] == {
        "exit": 7,
        "stdout_base64": "Yf8=",
        "stderr": "b\n",
    }
    assert "127.0.0.1" in found["hosts"]["gone"]["error"]


@pytest.mark.slow
def test_cp(folder: Path) -> None:
    target = folder / "copied"
    code, text = printed(folder, "cp", str(folder / "source"), f"all:{target}")
    found = checked("cp", text)
    assert (code, found["exit_code"]) == (4, 4)
    assert found["hosts"]["one"] == {"bytes": 8, "target": str(target)}
    assert found["hosts"]["gone"].keys() == {"error"}


def test_logs(folder: Path) -> None:
    code, text = printed(folder, "logs", "--limit", "one", "--of", "gcs")
    assert code == 0
    lines = [checked("logs", line) for line in text.splitlines()]
    assert [line["line"] for line in lines] == ["raylet.out: a line"]


def test_jobs(folder: Path) -> None:
    code, text = printed(folder, "jobs")
    found = checked("jobs", text)
    assert code == 0
    assert [job["started_s"] for job in found] == [0, 1764312345.678]


@pytest.mark.parametrize("command", ["stop", "start"])
def test_stop_and_start_as_they_would_be(folder: Path, command: str) -> None:
    no_ray = ("--set", "ray_ports={dashboard: 1}")
    code, text = printed(folder, command, "--check", *no_ray)
    found = checked("stop", text)
    [run] = found["runs"]
    assert code == found["exit_code"] == run["exit_code"]
    assert (code in (2, 4), run["command"]) == (True, command)
    hosts = run["hosts"]
    assert hosts["gone"]["outcome"] in ("failed", "not run")
    assert hosts["gone"]["error"]
    assert hosts["one"]["outcome"] in ("planned", "failed")


def test_a_value_that_is_not_as_the_schema_says_is_found() -> None:
    with pytest.raises(AssertionError):
        check("jobs", [{"id": 1}])
