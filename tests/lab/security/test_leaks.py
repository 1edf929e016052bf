"""Secrets of a cluster are where they belong and nowhere else; a new token replaces them."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from support.lab.commands import INVENTORY, ROOT, argv, invoke
from support.lab.secret_traces import FILES, RECORDS, Watch, root_shell

HOSTS = ("node1", "node2", "node3")
ADDRESSES = {"172.30.77.11", "172.30.77.12", "172.30.77.13"}
HERE = ROOT / "inventories/.provision/lab"
TOKEN = "/var/lib/provision-lab/auth_token 400 1000"
GRAFANA = "/etc/provision/grafana"

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]


def secret(name: str) -> str:
    return (HERE / name).read_text().strip()


@dataclass(frozen=True)
class Rotated:
    """A rotation that was watched: its output, and the secrets that it dealt with."""

    printed: str = field(repr=False)
    watch: Watch = field(repr=False)
    old: str = field(repr=False)
    new: str = field(repr=False)

    @property
    def needles(self) -> list[str]:
        names = ("grafana_admin_password", "grafana_secret_key")
        return [self.old, self.new, *map(secret, names)]


@pytest.fixture(scope="module")
def rotated(running_lab: object, tmp_path_factory: pytest.TempPathFactory) -> Rotated:
    """A deployed cluster that is given a new token."""
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)
    old = secret("ray_token")
    report = tmp_path_factory.mktemp("rotate") / "report.json"
    words = ("token.rotate", "--inventory", INVENTORY, "-v", "--report", str(report))
    with Watch() as watch:
        done = invoke(*words).expect_exit(0)
    # At once: the rotation itself has waited until all nodes are back.
    invoke("smoke", "--inventory", INVENTORY).expect_exit(0)
    printed = done.output + report.read_text()
    return Rotated(printed, watch, old, secret("ray_token"))


def test_ray_takes_the_new_token_and_refuses_the_old_one(rotated: Rotated) -> None:
    assert rotated.new != rotated.old
    answers = {
        token: code("http://172.30.77.11:8265/api/v0/nodes", token)
        for token in (rotated.old, rotated.new)
    }
    assert answers == {rotated.old: 403, rotated.new: 200}, "a wrong one gets 403"
    request = Request(
        "http://172.30.77.11:8265/api/v0/nodes",
        headers={"Authorization": f"Bearer {rotated.new}"},
    )
    with urlopen(request, timeout=10) as answer:
        nodes = json.load(answer)["data"]["result"]["result"]
    # One that was just replaced may still be listed beside the new one.
    assert {n["node_ip"] for n in nodes if n["state"] == "ALIVE"} == ADDRESSES


def code(url: str, token: str) -> int:
    try:
        with urlopen(
            Request(url, headers={"Authorization": f"Bearer {token}"}), timeout=10
        ) as answer:
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code


def test_the_head_was_first_to_restart_and_every_host_did(rotated: Rotated) -> None:
    form = "docker inspect --format '{{.State.StartedAt}}' ray-lab"
    head, *workers = (root_shell(host, form) for host in HOSTS)
    assert head < min(workers)
    for host in HOSTS:
        assert (
            root_shell(host, "cat /var/lib/provision-lab/auth_token").strip()
            == rotated.new
        )


def test_no_command_line_or_environment_had_a_secret(rotated: Rotated) -> None:
    assert rotated.watch.rounds > 20
    assert any(b"gcs_server" in text for text in rotated.watch.seen), "saw the hosts"
    assert rotated.watch.having(rotated.needles) == []


def test_nothing_that_was_printed_or_reported_has_one(rotated: Rotated) -> None:
    assert "auth_token" in rotated.printed, "the output names where it is"
    assert [word for word in rotated.needles if word in rotated.printed] == []


@pytest.mark.parametrize("host", HOSTS)
def test_neither_docker_nor_the_journal_has_one(rotated: Rotated, host: str) -> None:
    records = root_shell(host, RECORDS)
    assert "RAY_AUTH_TOKEN_PATH" in records and "_SYSTEMD_UNIT" in records
    assert [word for word in rotated.needles if word in records] == []


@pytest.mark.parametrize("host", HOSTS)
def test_files_have_them_only_where_documented(rotated: Rotated, host: str) -> None:
    found = root_shell(host, FILES, stdin="\n".join(rotated.needles))
    grafana = root_shell(host, "id -u provision-grafana 2>/dev/null || true").strip()
    expected = {TOKEN}
    if host == "node1":
        names = ("admin_password", "secret_key")
        expected |= {f"{GRAFANA}/{name} 400 {grafana}" for name in names}
    assert set(found.splitlines()) == expected


def test_here_they_are_beside_the_inventory_for_their_owner_only(
    rotated: Rotated,
) -> None:
    left_out = ("--exclude-dir=.venv", "--exclude-dir=.git", "--exclude-dir=.lab")
    found = subprocess.run(
        ["grep", "-rlFf", "-", *left_out, str(ROOT)],
        input="\n".join(rotated.needles),
        capture_output=True,
        text=True,
        check=True,
    )
    files = {Path(line) for line in found.stdout.splitlines()}
    assert {file.parent for file in files} == {HERE}
    assert {file.name for file in files} >= {"ray_token", "grafana_admin_password"}
    assert HERE.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_a_machine_that_missed_it_cannot_bring_the_old_one_back(
    rotated: Rotated,
) -> None:
    words = ("deploy", "--inventory", INVENTORY, "--tags", "token")
    done = invoke(*words, env={"PROVISION_RAY_TOKEN": rotated.old}).expect_exit(2)
    assert "a secret that another one has replaced since" in done.output
    assert rotated.old not in done.output
    for host in ("node1", "node2", "node3"):
        assert (
            root_shell(host, "cat /var/lib/provision-lab/auth_token").strip()
            == rotated.new
        )
        assert (
            root_shell(host, "stat -c %a /var/lib/provision-lab/retired_tokens")
            == "600\n"
        )


def test_nothing_of_it_is_left_to_do(rotated: Rotated) -> None:
    invoke("plan", "--inventory", INVENTORY, "--tags", "token").expect_exit(0)


@pytest.mark.long
@pytest.mark.parametrize(
    "moment",
    ["changed  file /var/lib", "applying ray head", "changed  ray head", "ray worker"],
)
def test_a_rotation_that_is_killed_is_finished_by_the_next_command(
    running_lab: object, moment: str
) -> None:
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)
    old = secret("ray_token")
    words = argv("token.rotate", "--inventory", INVENTORY, "-v")
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        assert any(moment in line for line in child.stdout), "it came to that"
        child.kill()
    killed = secret("ray_token")
    assert killed != old

    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)
    url = "http://172.30.77.11:8265/api/v0/nodes"
    assert (code(url, old), code(url, killed)) == (403, 200)
    invoke("token.rotate", "--inventory", INVENTORY).expect_exit(0)
    assert (code(url, killed), code(url, secret("ray_token"))) == (403, 200)


@pytest.mark.long
def test_a_first_deploy_leaves_no_secret_anywhere(running_lab: object) -> None:
    from provision import lab

    lab.reset()
    with Watch() as watch:
        done = invoke("deploy", "--inventory", INVENTORY, "-v").expect_exit(0)
    names = ("ray_token", "grafana_admin_password", "grafana_secret_key")
    needles = [secret(name) for name in names]
    assert watch.having(needles) == []
    records = "".join(root_shell(host, RECORDS) for host in HOSTS) + done.output
    assert [word for word in needles if word in records] == []
    for host in HOSTS:
        found = root_shell(host, FILES, stdin="\n".join(needles)).splitlines()
        assert len(found) == (3 if host == "node1" else 1), found
