"""Imports point one way: down the table of folders, and down the list of each folder."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "provision"
FOLDERS = {
    "cli": "Invoke tasks and the program",
    "testing": "the public test kit for people who write steps",
    "": "the public face: api",
    "ray": "all that knows Ray, Prometheus and Grafana",
    "engine": "one run over many hosts",
    "transport": "how one script reaches one host",
    "config": "files on the controller become bound steps",
    "secrets": "secret values on the controller",
    "report": "consumers of events",
    "steps": "generic kinds of steps",
    "model": "pure values",
    "lab": "virtual hosts",
    "ground": "errors, atomic_file, file_lock, invocation, plugins",
}
"""The folders, highest first: a module imports from its own folder and those below."""
GROUND = ("errors", "atomic_file", "file_lock", "invocation", "plugins")
"""The root's ground files, which everybody may import."""
ONLY = {
    "steps": {"steps", "model", "ground"},
    "report": {"report", "model", "ground"},
    "model": {"model", "ground"},
    "lab": {"lab", "ground"},
}
"""Folders that see less than all that lies below them."""
WITHIN = {
    "cli": (
        "options core_options command request encrypt lab schema extension deploy trust start "
        "listing program ray"
    ),
    "cli/listing": "groups reference",
    "cli/ray": (
        "mtu stopped prune deploy status smoke teardown rollback token metrics on_hosts "
        "images jobs serving running"
    ),
    "cli/ray/images": "options images commit prune",
    "cli/ray/jobs": "jobs notebook",
    "cli/ray/on_hosts": "remainder options exec shell cp logs ray test history",
    "cli/ray/running": "node running",
    "cli/ray/serving": "serve",
    "cli/start": "bare_hosts dashboard doctor env init",
    "config": (
        "ssh spelling file_text json_text yaml_source templating inventory registry "
        "validation playbook schema"
    ),
    "config/inventory": (
        "connection_vars entries formats pattern host groups merge templates checks build "
        "sources inventory edit"
    ),
    "config/inventory/edit": "yaml_edit ini_edit edit",
    "config/inventory/formats": (
        "ranges names yaml_file ini_file executable program_output source_file folder "
        "variables_files"
    ),
    "config/playbook": (
        "play group_rules lanes template_files template_certificate load selection step_cache "
        "variables faults bind"
    ),
    "config/ssh": (
        "lines plain_lines tokens patterns algorithms settings arguments files blocks program "
        "resolve"
    ),
    "engine": (
        "change_control interrupt each_host history on_hosts run_id secret_recovery host "
        "scheduler runner run"
    ),
    "engine/change_control": "audit manifest notes lock",
    "engine/history": "entries runs history",
    "engine/host": (
        "scripts connection session outcome foresight text_diff lane batch dry_run follower "
        "changing converge"
    ),
    "engine/host/scripts": "proof_script batch_script receive",
    "engine/on_hosts": "command copy",
    "engine/on_hosts/copy": "on_host place local_file session upload unpacked download copy",
    "lab": (
        "system paths run_command grafana_stub keys cleanup inventory engine hosts supplies "
        "prerequisites lifecycle host_control"
    ),
    "lab/grafana_stub": "ini provisioning users pages __main__",
    "lab/supplies": "apt_repository images registry_push download_archives services",
    "model": "change fields mode shell shell_file script events framing probe_merging step result",
    "ray": (
        "steps stopped head deployed_hosts other_clusters deploy prune rollback teardown "
        "smoke status metrics token_rotation doctor start on_hosts images jobs serving "
        "running browser notebook testing"
    ),
    "ray/browser": "sites forward gate proxy serving",
    "ray/doctor": "transfer finding look wanted rules pairs bandwidth doctor",
    "ray/doctor/bandwidth": "baseline choice programs steps rules bandwidth",
    "ray/doctor/look": "facts survey",
    "ray/doctor/pairs": "choice programs steps pairs",
    "ray/doctor/rules": "system packages network room gpus between_hosts run_errors",
    "ray/images": "facts survey origin commit spread prune",
    "ray/jobs": "dashboard job records package jobs logs",
    "ray/notebook": "python server notebook",
    "ray/on_hosts": "places selection in_ray verbs logs history",
    "ray/running": "running membership",
    "ray/serving": "config serve",
    "ray/start": "environment hosts proposal authorize inventory_text",
    "ray/steps": (
        "source stop_mark network shared node running shared_seen dashboards job_records "
        "nodes gpus_seen prometheus_targets drained rollback previous_process firewall"
    ),
    "ray/steps/dashboards": "dashboards",
    "ray/steps/firewall": "rules firewall",
    "ray/steps/gpus_seen": "losses gpus_seen process",
    "ray/steps/job_records": "job_records",
    "ray/steps/network": "agent_health choice node_network ray_network",
    "ray/steps/node": (
        "diagnosis compatibility credentials ports ray_options start additions base process "
        "roles"
    ),
    "ray/steps/node/additions": "additions",
    "ray/steps/node/diagnosis": "firewalls session_name",
    "ray/steps/node/process": "shell files node runtime",
    "ray/steps/node/process/shell": "",
    "ray/steps/node/start": "start_args ray_start roles",
    "ray/steps/previous_process": "previous_process",
    "ray/steps/running": "notes running",
    "ray/steps/shared": "folders storage share",
    "ray/steps/shared_seen": "shared_seen",
    "ray/steps/source": "git repository archive overlay source",
    "ray/steps/stop_mark": "mark",
    "ray/stopped": "stopped",
    "ray/testing": "advice ray_test",
    "report": (
        "live_display text reporters json_file event_lines progress_table failures summary "
        "console"
    ),
    "secrets": "signing redaction vault credentials store certificates",
    "steps": "http room network manifest files mounts services system packages python docker gpu",
    "steps/docker": "image build engine container",
    "steps/docker/container": "restarts parameters options container",
    "steps/docker/container/parameters": "mounts limits run_flags",
    "steps/docker/container/restarts": "stop",
    "steps/docker/engine": "daemon_json engine engine_absent",
    "steps/docker/engine/daemon_json": "document flags",
    "steps/files": "foresight path_info retired_secrets archive file absent",
    "steps/files/absent": "file_absent",
    "steps/gpu": "cuda wanted host_gpus grant metrics toolkit",
    "steps/gpu/metrics": "nvidia_metrics",
    "steps/gpu/toolkit": "nvidia_toolkit docker_gpus",
    "steps/manifest": "manifest",
    "steps/mounts": "mount_point mount nfs_export",
    "steps/network": "address host_network",
    "steps/packages": "packages absent",
    "steps/packages/absent": "packages_absent",
    "steps/python": "wheels environment",
    "steps/services": "units service",
    "steps/services/units": "systemd_unit unit_absent timed_program",
    "steps/system": "reachable users",
    "testing": "transport convergence cases recording __main__",
    "transport": (
        "sudo_password watchdog remote_shell protocol streaming local_process ssh retry local "
        "connect query"
    ),
    "transport/remote_shell": "start refusals conversation",
    "transport/ssh": (
        "known_hosts limits hops algorithms peer sockets keepalive trust login connection "
        "key_scan channels transport"
    ),
    "transport/ssh/channels": "session terminal",
    "transport/ssh/login": (
        "public_key private_key agent identities signatures userauth login refusal explain"
    ),
}
"""The modules and subfolders of each folder, lowest first."""
FILES = sorted(PACKAGE.rglob("*.py"))


def parts(path: Path) -> tuple[str, ...]:
    """The folders and the module below `provision` of *path*."""
    names = path.relative_to(PACKAGE).with_suffix("").parts
    return names[:-1] if names[-1] == "__init__" else names


def folder(names: tuple[str, ...]) -> str:
    """The row of FOLDERS for a module."""
    if not names or names[0] in GROUND:
        return "ground" if names else ""
    return names[0] if names[0] in FOLDERS else ""


def imported(path: Path) -> Iterator[tuple[str, ...]]:
    """The modules of provision that *path* imports, at any depth of its code."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (_module(name) for name in names if name.startswith("provision."))


def _module(name: str) -> tuple[str, ...]:
    """The module that the dotted *name* is, or is in."""
    words = name.split(".")[1:]
    while words and not _exists(PACKAGE.joinpath(*words)):
        words.pop()
    return tuple(words)


def _exists(path: Path) -> bool:
    return path.with_suffix(".py").exists() or path.is_dir()


def libraries(path: Path) -> set[str]:
    """The top packages that *path* imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_imports_between_folders_point_down(path: Path) -> None:
    own, order = folder(parts(path)), list(FOLDERS)
    below = ONLY.get(own, set(order[order.index(own) :]))
    wrong = {names for names in imported(path) if folder(names) not in below}
    assert not wrong, f"{own or 'the root'} must not import {wrong}"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_imports_within_a_folder_point_down(path: Path) -> None:
    own = parts(path)
    for depth in range(1, len(own)):
        around, order = own[:depth], WITHIN["/".join(own[:depth])].split()
        assert own[depth] in order, f"give {own[depth]} a place in WITHIN"
        rank = order.index(own[depth])
        for other in imported(path):
            if other[:depth] == around and len(other) > depth:
                assert order.index(other[depth]) <= rank, (
                    f"{own} must not import {other}"
                )


def test_the_tables_name_what_exists() -> None:
    folders = {p.name for p in PACKAGE.iterdir() if (p / "__init__.py").exists()}
    assert folders == set(FOLDERS) - {"", "ground"}
    for place, order in WITHIN.items():
        found = {p.stem for p in (PACKAGE / place).glob("*.py")} | {
            p.name for p in (PACKAGE / place).iterdir() if (p / "__init__.py").exists()
        }
        assert found - {"__init__"} == set(order.split()), place


@pytest.mark.parametrize("path", FILES, ids=name)
def test_only_ssh_knows_fabric_and_paramiko(path: Path) -> None:
    if parts(path)[:2] != ("transport", "ssh"):
        assert not libraries(path) & {"fabric", "paramiko"}


def test_the_scheduler_never_sees_shell_text() -> None:
    seen = set(imported(PACKAGE / "engine/scheduler.py"))
    assert not seen & {("model", "shell"), ("model", "step"), ("transport", "protocol")}
