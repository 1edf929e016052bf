"""One screen about a cluster, useful also when one of its hosts is dead."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import pytest

from provision import cli
from provision.config.inventory import Inventory
from provision.engine import run as engine
from provision.engine.host.foresight import UNKNOWN as NOT_OBSERVED
from provision.errors import ConnectError, RefusedError
from provision.model.change import Change
from provision.model.events import (
    Event,
    HostFailed,
    RunEnded,
    RunStarted,
    StepFailed,
    StepOk,
    StepPlanned,
)
from provision.model.mode import Mode
from provision.model.result import Run
from provision.ray.head import dashboard, head_steps
from provision.ray.status import status

HOSTS = {f"node{n}": {"address": f"10.0.0.{n}"} for n in (1, 2, 3)}
INVENTORY: dict[str, Any] = {
    "all": {
        "vars": {"ansible_connection": "local", "metrics": False},
        "children": {
            "head": {"hosts": {"node1": HOSTS["node1"]}},
            "workers": {"hosts": {n: HOSTS[n] for n in ("node2", "node3")}},
        },
    }
}
ENGINE = {"engine": "installed", "running": "true", "version": "20.10.24"}
RAY = {"image": "rayproject/ray:2.60.0", "status": "running", "health": "healthy"}


def ok(host: str, kind: str, observed: dict[str, str]) -> Event:
    step = kind.replace("_", " ")
    return StepOk(host=host, play="p", step=step, kind=kind, observed=observed)


def planned(host: str, kind: str, observed: dict[str, str], *what: Change) -> Event:
    about = {"play": "p", "step": kind.replace("_", " "), "kind": kind}
    return StepPlanned(host=host, **about, observed=observed, changes=what)  # type: ignore[arg-type]


def alive(*numbers: int) -> dict[str, str]:
    return {f"node{n} (10.0.0.{n})": "ALIVE" for n in numbers}


def healthy(*hosts: str) -> list[Event]:
    kinds = {"node1": "ray_head"}
    engines = [ok(host, "docker_engine", ENGINE) for host in hosts]
    return engines + [ok(host, kinds.get(host, "ray_worker"), RAY) for host in hosts]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """The events of the probe of the hosts; to be filled by the test."""
    events: list[Event] = []

    def verify(inventory: Inventory, playbook: str, **options: Any) -> Run:
        run = Run()
        run(RunStarted(mode=Mode.VERIFY, steps=dict.fromkeys(HOSTS, 3)))
        for event in (*events, RunEnded(seconds=1)):
            run(event)
        return run

    monkeypatch.setattr(engine, "verify", verify)
    return events


def screen(folder: Path) -> tuple[int, list[str]]:
    """Exit code and lines of `provision status`."""
    import json

    (folder / "lab.yml").write_text(json.dumps(INVENTORY))
    out = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out):
        try:
            cli.main(["provision", "status", "--inventory", "lab.yml"])
        except SystemExit as ended:
            return int(ended.code or 0), out.getvalue().splitlines()
    return 0, out.getvalue().splitlines()


def test_a_healthy_cluster_is_a_table_and_a_line(
    seen: list[Event], tmp_path: Path
) -> None:
    seen += [*healthy(*HOSTS), ok("node1", "ray_nodes", alive(1, 2, 3))]
    code, lines = screen(tmp_path)
    assert code == 0
    rows = [line.split() for line in lines[1:4]]
    image = ["rayproject/ray:2.60.0", "running", "healthy"]
    assert rows[2] == ["node3", "10.0.0.3", "20.10.24", *image, "ALIVE", "none"]
    assert lines[-1] == "3 of 3 nodes ALIVE   dashboard http://10.0.0.1:8265"
    assert len(lines) == 6


def test_a_worker_that_ends_again_and_again_is_no_healthy_cluster(
    seen: list[Event], tmp_path: Path
) -> None:
    flaps = {**RAY, "restarts": "6", "restarted_lately": "true"}
    often = Change("restarts", "6", "0")
    seen += [*healthy("node1", "node2"), ok("node3", "docker_engine", ENGINE)]
    seen += [planned("node3", "ray_worker", flaps, often)]
    seen += [ok("node1", "ray_nodes", alive(1, 2, 3))]
    code, lines = screen(tmp_path)
    assert code == 3
    assert "restarted 6x" in lines[3]
    assert lines[3].split()[-1] != "none"
    assert any("restarts: 6 -> 0" in line for line in lines)


def test_a_dead_host_is_shown_with_its_cause_beside_the_others(
    seen: list[Event], tmp_path: Path
) -> None:
    missing = Change("node3 (10.0.0.3)", None, "ALIVE")
    error = ConnectError("timed out after 10 s", hint="see that it has power")
    seen += [
        *healthy("node1", "node2"),
        HostFailed(host="node3", play="hosts", error=error),
        planned("node1", "ray_nodes", alive(1, 2), missing),
    ]
    code, lines = screen(tmp_path)
    assert code == 4
    assert lines[2].split()[-2:] == ["ALIVE", "none"]
    assert lines[3].split()[2:] == ["-", "-", "missing", "unreachable"]
    text = "\n".join(lines)
    assert "node3: timed out after 10 s\n  to do: see that it has power" in text
    assert "ray nodes: node3 (10.0.0.3): (absent) -> ALIVE" in text
    assert lines[-1].startswith("2 of 3 nodes ALIVE")


def test_drift_is_shown_step_by_step_and_ends_with_3(
    seen: list[Event], tmp_path: Path
) -> None:
    stopped = {**RAY, "status": "exited", "health": ""}
    seen += [
        *healthy("node1", "node2"),
        ok("node3", "docker_engine", {**ENGINE, "running": "false"}),
        planned("node3", "ray_worker", stopped, Change("status", "exited", "running")),
        ok("node1", "ray_nodes", alive(1, 2, 3)),
    ]
    code, lines = screen(tmp_path)
    assert code == 3
    image = ["rayproject/ray:2.60.0", "exited"]
    assert lines[3].split()[2:] == ["stopped", *image, "ALIVE", "1", "step"]
    assert "  ray worker: status: exited -> running" in lines


def test_nodes_are_unknown_when_ray_cannot_be_asked(
    seen: list[Event],
) -> None:
    seen += [
        ok("node1", "docker_engine", {}),
        planned("node1", "ray_nodes", {}, Change("state", "unknown", "known later")),
    ]
    found = status(Inventory.parse(INVENTORY))
    assert found.hosts[0].engine == "absent"
    assert {host.node for host in found.hosts} == {"unknown"}
    assert {host.container for host in found.hosts} == {"unknown"}
    assert found.alive is None


@pytest.mark.parametrize(
    ("observed", "text"),
    [
        ({"targets": "all up", "number": "10"}, "10 of 10 targets up"),
        (
            {"targets": "9 of 10 up", "number": "10", "ray x": "no"},
            "9 of 10 targets up",
        ),
        ({}, "Prometheus does not answer"),
    ],
)
def test_metrics_are_one_line(
    seen: list[Event], tmp_path: Path, observed: dict[str, str], text: str
) -> None:
    seen += [*healthy(*HOSTS), ok("node1", "prometheus_targets", observed)]
    _, lines = screen(tmp_path)
    assert lines[-1].startswith(f"metrics: {text}   ")


def test_prometheus_that_nobody_could_ask_is_unknown(seen: list[Event]) -> None:
    away = ConnectError("timed out after 10 s")
    seen += [*healthy("node2"), HostFailed(host="node1", play="hosts", error=away)]
    lab = Inventory.parse(INVENTORY)
    assert status(lab, sets={"metrics": True}).metrics == "unknown"
    assert status(lab).metrics == ""


def test_no_number_of_nodes_is_shown_while_the_head_is_off(
    seen: list[Event], tmp_path: Path
) -> None:
    away = ConnectError("timed out after 10 s")
    seen += [
        *healthy("node2", "node3"),
        HostFailed(host="node1", play="hosts", error=away),
    ]
    code, lines = screen(tmp_path)
    assert code == 4
    said = "the head does not answer: unknown how many of 3 nodes are ALIVE"
    assert lines[-1] == said
    assert all("unknown" in line for line in lines[1:4]), lines
    assert not any("0 of 3" in line for line in lines)


def test_no_number_of_nodes_is_shown_while_ray_does_not_answer(
    seen: list[Event], tmp_path: Path
) -> None:
    unmet = Change("node2 (10.0.0.2)", None, "ALIVE")
    seen += [*healthy(*HOSTS), planned("node1", "ray_nodes", {}, unmet)]
    _, lines = screen(tmp_path)
    assert lines[-1].startswith("Ray does not answer on the head: unknown how many")


def test_a_container_is_unknown_while_docker_is_stopped(
    seen: list[Event], tmp_path: Path
) -> None:
    """Ray goes on without its daemon."""
    seen += [
        *healthy("node1", "node2"),
        planned(
            "node3",
            "docker_engine",
            {**ENGINE, "running": "false"},
            Change("running", "false", "true"),
        ),
        planned("node3", "ray_worker", {}, NOT_OBSERVED),
        ok("node1", "ray_nodes", alive(1, 2, 3)),
    ]
    _, lines = screen(tmp_path)
    assert lines[3].split()[2:5] == ["stopped", "unknown", "ALIVE"]


def test_a_node_that_is_in_no_inventory_is_shown_and_ends_with_3(
    seen: list[Event], tmp_path: Path
) -> None:
    other = {"other.10.0.0.9": "ALIVE, node f00d"}
    seen += [*healthy(*HOSTS), ok("node1", "ray_nodes", {**alive(1, 2, 3), **other})]
    code, lines = screen(tmp_path)
    assert code == 3
    assert "not in the inventory: 10.0.0.9  ALIVE, node f00d" in lines
    assert any(line.startswith("3 of 3 nodes ALIVE") for line in lines)
    assert any("deploy --prune" in line for line in lines)


def test_a_host_that_is_to_run_no_ray_is_not_missing(seen: list[Event]) -> None:
    more = {"all": {**INVENTORY["all"], "hosts": {"nfs": {"address": "10.0.0.7"}}}}
    seen += [*healthy(*HOSTS), ok("node1", "ray_nodes", alive(1, 2, 3))]
    found = status(Inventory.parse(more))
    assert {host.name: host.node for host in found.hosts}["nfs"] == "-"
    assert (found.alive, found.expected) == (3, 3)


def test_the_dashboard_follows_the_variables_of_the_playbook() -> None:
    sets = {"data_dir": "/data/ray", "ray_dashboard_host": "127.0.0.1"}
    found = dashboard(
        Inventory.parse(INVENTORY),
        head_steps(Inventory.parse(INVENTORY), "deploy", sets),
    )
    assert found
    assert (found.url, found.host) == ("http://127.0.0.1:8265", "node1")
    assert found.token_file == "/data/ray/auth_token"
    assert (
        dashboard(
            Inventory.parse(INVENTORY),
            head_steps(Inventory.parse(INVENTORY), "teardown", {}),
        )
        is None
    )


ROW = "0, GPU-0, 81559, Disabled, 00000000:00:06.0, NVIDIA H100 80GB HBM3"
GPU = {
    "gpu.row.0": ROW,
    "gpu.driver": "580.159.04",
    "gpu.toolkit": "/usr/bin/nvidia-ctk",
}


def test_gpus_have_a_column_where_some_host_has_one(
    seen: list[Event], tmp_path: Path
) -> None:
    fewer = Change("GPUs in Ray", "0", "1")
    seen += [
        *healthy(*HOSTS),
        ok("node1", "ray_nodes", alive(1, 2, 3)),
        ok("node1", "gpus_seen", {**GPU, "in.0": "x", "ray": "1"}),
        ok("node2", "gpus_seen", {}),
        planned("node3", "gpus_seen", {**GPU, "in.0": "x", "ray": "0"}, fewer),
    ]
    _, lines = screen(tmp_path)
    assert "gpus" in lines[0].split()
    text = " ".join(lines)
    assert "1 x NVIDIA H100 80GB HBM3" in " ".join(lines[1].split())
    assert lines[2].split()[-2:] == ["-", "none"]
    assert "0 in Ray of" in text


def test_a_host_that_could_not_be_asked_has_unknown_gpus(
    seen: list[Event], tmp_path: Path
) -> None:
    error = ConnectError("timed out after 10 s")
    seen += [
        *healthy("node1", "node2"),
        ok("node1", "ray_nodes", alive(1, 2)),
        ok("node1", "gpus_seen", {**GPU, "in.0": "x", "ray": "1"}),
        ok("node2", "gpus_seen", {}),
        HostFailed(host="node3", play="hosts", error=error),
    ]
    _, lines = screen(tmp_path)
    row = next(line for line in lines if line.startswith("node3"))
    assert row.split()[-2:] == ["unknown", "unreachable"]


def test_a_container_that_was_never_restarted_says_nothing_of_it(
    seen: list[Event], tmp_path: Path
) -> None:
    again = [("node1", "0"), ("node2", "2")]
    seen += [*healthy("node3"), ok("node1", "ray_nodes", alive(1, 2, 3))]
    seen += [ok(host, "ray_worker", {**RAY, "restarts": n}) for host, n in again]
    _, lines = screen(tmp_path)
    assert "restarted" not in lines[1] and "restarted 2x" in lines[2]


SOURCE = "10.0.0.1:/srv/data"
ON_HEAD = {
    "path /srv/data": "has files",
    "room /srv/data": "2097152 1258291",
    "shared /data": "own /srv/data",
}
MOUNTED = {
    "mounted /data": SOURCE,
    "path /data": "ready",
    "room /data": "2097152 1258291",
    "shared /data": SOURCE,
}
HANGS = {"mounted /data": SOURCE, "path /data": "hangs", "shared /data": SOURCE}


def test_shared_folders_are_a_column_and_a_line_each(
    seen: list[Event], tmp_path: Path
) -> None:
    hangs = RefusedError(f"/data does not answer in 5 s: {SOURCE} hangs")
    kind = "ray_shared_mount"
    seen += [*healthy(*HOSTS), ok("node1", "ray_nodes", alive(1, 2, 3))]
    seen += [ok("node1", kind, ON_HEAD), ok("node2", kind, MOUNTED)]
    seen += [
        StepFailed(
            host="node3",
            play="mounts",
            step="shared folders mounted",
            kind=kind,
            error=hangs,
            observed=HANGS,
        )
    ]
    code, lines = screen(tmp_path)
    text = [" ".join(line.split()) for line in lines]
    assert code == 2
    assert "ALIVE /data own, 1.2 of 2.0 TB free" in " ".join(text[1:3])
    whole = " ".join(text)
    assert "/data 1.2 of 2.0 TB free" in whole and "/data hangs" in whole
    assert f"/data does not answer in 5 s: {SOURCE} hangs" in whole
    assert f"shared /data: {SOURCE} of node1, on 2 of 3 hosts" in text


def test_storage_of_a_host_that_could_not_be_asked_is_unknown(
    seen: list[Event], tmp_path: Path
) -> None:
    kind, absent = "ray_shared_mount", Change("mounted /data", None, SOURCE)
    seen += [*healthy("node1", "node2"), ok("node1", kind, ON_HEAD)]
    seen += [planned("node2", kind, {}, absent)]
    seen += [HostFailed(host="node3", play="hosts", error=ConnectError("timed out"))]
    _, lines = screen(tmp_path)
    text = [" ".join(line.split()) for line in lines]
    assert any("/data not mounted" in line for line in text)
    row = next(line for line in text if line.startswith("node3"))
    assert row.split()[-2:] == ["unknown", "unreachable"]
    assert f"shared /data: {SOURCE} of node1, on 1 of 3 hosts, unknown on 1" in text
