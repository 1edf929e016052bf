"""env and doctor on this machine alone: what they print, and what they refuse."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from support.printed.in_folder import run
from support.printed.schemas import check

ROOT = Path(__file__).parents[3]
HOSTS = """
all:
  vars: {{ansible_connection: local, ansible_become: false, cluster: c{more}}}
  children:
    head: {{hosts: {{one: {{address: 10.0.0.1}}}}}}
    workers: {{hosts: {workers}}}
"""


def write(folder: Path, more: str = "", workers: str = "{}") -> None:
    (folder / "i.yml").write_text(HOSTS.format(more=more, workers=workers))


def test_env_prints_what_a_shell_takes(tmp_path: Path) -> None:
    write(tmp_path)
    code, printed, _ = run(tmp_path, "env", "-i", "i.yml")
    assert code == 0, printed
    line = f'{printed}\necho "$RAY_ADDRESS $RAY_AUTH_MODE $RAY_AUTH_TOKEN_PATH"'
    shown = subprocess.check_output(["sh", "-c", line], text=True).split()
    token = tmp_path / ".provision/c/ray_token"
    assert shown == ["http://10.0.0.1:8265", "token", str(token)]
    assert "the first deploy makes it" in printed
    assert "ray://10.0.0.1:10001" in printed


def test_env_never_prints_the_token(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "t").write_text("hunter2\n")
    code, printed, _ = run(
        tmp_path, "env", "-i", "i.yml", PROVISION_RAY_TOKEN="hunter2"
    )
    assert (code, "hunter2" in printed) == (0, False)
    assert 'RAY_AUTH_TOKEN="$PROVISION_RAY_TOKEN"' in printed
    given = str(tmp_path / "t")
    _, printed, _ = run(tmp_path, "env", "-i", "i.yml", PROVISION_RAY_TOKEN_FILE=given)
    assert f"RAY_AUTH_TOKEN_PATH={given}\n" in printed


def test_env_names_the_files_of_tls_and_a_dashboard_on_loopback(tmp_path: Path) -> None:
    write(tmp_path, ", ray_tls: true, ray_dashboard_host: 127.0.0.1")
    code, printed, _ = run(tmp_path, "env", "-i", "i.yml")
    folder = tmp_path / ".provision/c/tls"
    assert code == 0, printed
    assert f"RAY_TLS_SERVER_CERT={folder}/host-one.pem\n" in printed
    assert "RAY_ADDRESS=http://127.0.0.1:8265\n" in printed
    assert "ssh -N -L 8265:127.0.0.1:8265" in printed


def test_json_of_env_is_as_its_schema_says(tmp_path: Path) -> None:
    write(tmp_path)
    code, printed, _ = run(tmp_path, "env", "-i", "i.yml", "--json")
    assert code == 0
    check("env", json.loads(printed))


@pytest.mark.parametrize("command", ["env", "doctor"])
def test_without_an_inventory_both_say_what_to_do(command: str, tmp_path: Path) -> None:
    code, printed, said = run(tmp_path, command, "--json")
    assert (code, printed) == (5, "")
    assert "use --inventory PATH" in said
    assert len(said.splitlines()) == 1


def test_doctor_refuses_a_host_that_is_head_and_worker(tmp_path: Path) -> None:
    write(tmp_path, workers="{one: {}}")
    code, printed, said = run(tmp_path, "doctor", "-i", "i.yml")
    assert (code, printed) == (5, ""), said
    assert "one" in said and "Traceback" not in said
