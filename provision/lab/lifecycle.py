"""Bring a lab up, and remove it again completely."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from provision.errors import LabError
from provision.file_lock import folder_lock
from provision.lab import cleanup, engine, hosts, inventory, prerequisites
from provision.lab.engine import Engine
from provision.lab.paths import (
    LABEL,
    MAX_NETWORKS,
    NAME,
    SECOND,
    LabPaths,
    VirtualHost,
    virtual_hosts,
)
from provision.lab.prerequisites import Progress
from provision.lab.supplies import download_archives, services
from provision.lab.system import HostSystem, system_named

PARALLEL_HOSTS = 8
REMOVE_S = 600


def up(
    number: int, progress: Progress, system: str = "", networks: int = 0
) -> list[VirtualHost]:
    """Bring a lab with *number* hosts up, from any earlier state.

    Running hosts are left alone, missing or broken ones are created, and those above
    *number* are removed. Those that are there join or leave the second network if they are
    to be in another number of *networks* (0 = as they are).

    Raises:
        LabError: there is no lab with so many networks, or with this system.
    """
    if networks not in range(MAX_NETWORKS + 1):
        raise LabError(f"a lab has 1 to {MAX_NETWORKS} networks, not {networks}")
    paths, wanted = LabPaths.find(), virtual_hosts(number)
    chosen = system_named(system) if system else paths.system
    with exclusive(paths, progress), ThreadPoolExecutor(1) as background:
        paths = _with_system(paths, chosen)
        outer = _ensure_engine(paths, progress)
        ray = background.submit(prerequisites.make_ray_files, paths, progress)
        image = prerequisites.ensure_host_image(outer, paths, progress)
        download_archives.ensure_archives(paths, progress)
        _choose_networks(outer, paths, networks, progress)
        services.ensure_servers(outer, paths, image)
        _remove_others(outer, paths, wanted, progress)
        _ensure_all(outer, paths, image, wanted, progress)
        inventory.write(paths, wanted)
        if files := ray.result():
            progress("storing the Ray image in the registry")
            prerequisites.store_ray_image(paths, files)
    return wanted


def _with_system(paths: LabPaths, system: HostSystem) -> LabPaths:
    """Return the paths of a lab whose hosts are to have *system*.

    Raises:
        LabError: it has hosts of another one.
    """
    if system != paths.system and paths.expected_hosts():
        raise LabError(
            f"the lab has hosts of {paths.system.name}, and not of {system.name}",
            hint="remove it first: invoke lab.down",
        )
    return paths.choose(system)


def _ensure_engine(paths: LabPaths, progress: Progress) -> Engine:
    found = engine.find(paths)
    prerequisites.install_programs(progress, engine=found is None)
    paths.root.mkdir(parents=True, exist_ok=True)
    if found is None:
        progress("starting a Docker engine for the lab")
        found = engine.start(paths)
    return found


def _remove_others(
    outer: Engine, paths: LabPaths, wanted: list[VirtualHost], progress: Progress
) -> None:
    """Remove all hosts that are not in *wanted*."""
    for host in {*hosts.existing(outer), *paths.expected_hosts()} - {*wanted}:
        progress(f"removing {host.name}")
        hosts.remove(outer, host)
        paths.host_key(host).unlink(missing_ok=True)


def _choose_networks(
    outer: Engine, paths: LabPaths, number: int, progress: Progress
) -> None:
    """Let the hosts be in *number* networks (0 = as they are); those that run go on."""
    changes = number not in {0, paths.networks}
    if changes:
        paths.choose_networks(number)
    services.ensure_networks(outer, paths)
    if changes:
        for host in hosts.existing(outer):
            progress(f"{host.name} joins or leaves the second network")
            hosts.connect_as_chosen(outer, paths, host)
        services.remove_unused_network(outer, paths)


def _ensure_all(
    outer: Engine,
    paths: LabPaths,
    image: str,
    wanted: list[VirtualHost],
    progress: Progress,
) -> None:
    """Bring all *wanted* hosts to running with SSH."""
    states = hosts.existing(outer)

    def one(host: VirtualHost) -> None:
        state = states.get(host, "")
        if action := hosts.ensure_running(outer, paths, image, host, state):
            progress(f"{host.name} {action}")

    for_each(one, wanted)


def down(*, keep_cache: bool) -> None:
    """Remove the whole lab from this machine, in whatever state it is."""
    paths = LabPaths.find()
    with exclusive(paths, _quiet):
        outer = engine.find(paths)
        if outer:
            _remove_from_engine(outer, paths)
        if outer is None or outer.is_lab_engine:
            _stop_own_engine(paths)
        _remove_files(paths, keep_cache=keep_cache)


def _remove_from_engine(outer: Engine, paths: LabPaths) -> None:
    """Remove the lab's containers, network and images from the engine."""
    label = f"--filter=label={LABEL}={paths.root}"
    if found := outer.docker("ps", "--all", "--quiet", label).split():
        # Removing the disks of hosts with a cluster is slow on a busy machine.
        outer.docker("rm", "--force", "--volumes", *found, limit_s=REMOVE_S)
    for network in (NAME, SECOND):
        if outer.succeeds("network", "inspect", network):
            outer.docker("network", "rm", network)
    if found := outer.docker("images", "--quiet", label).split():
        outer.docker("rmi", "--force", *found)


def _stop_own_engine(paths: LabPaths) -> None:
    """Stop the lab's own engine, if there is one, and remove what it left."""
    if paths.engine_data.exists() or engine.running_pid():
        engine.stop()
        cleanup.unmount_below(paths.engine_data)
    if paths.created_key.exists():
        engine.ENGINE_KEY.unlink(missing_ok=True)


def _remove_files(paths: LabPaths, *, keep_cache: bool) -> None:
    if not paths.root.exists():
        return
    for path in paths.root.iterdir():
        if keep_cache and path == paths.cache:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    if not any(paths.root.iterdir()):
        paths.root.rmdir()


@contextmanager
def exclusive(paths: LabPaths, progress: Progress) -> Iterator[None]:
    """Hold the lock of this lab; wait while another program holds it.

    The directory that contains `.lab` is locked: it outlives the lab, and no lock file
    is left behind.
    """

    def waiting() -> None:
        progress("waiting for another program that changes the lab")

    with folder_lock(paths.root.parent, waiting):
        yield


def for_each(
    action: Callable[[VirtualHost], None], chosen: Iterable[VirtualHost]
) -> None:
    """Call *action* for all hosts, several in parallel.

    Raises:
        LabError: it failed for some hosts; it was called for all others too.
    """
    with ThreadPoolExecutor(PARALLEL_HOSTS) as pool:
        done = [pool.submit(action, host) for host in chosen]
    errors = [error for job in done if (error := job.exception())]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise LabError("\n".join(str(error) for error in errors))


def _quiet(_line: str) -> None:
    pass
