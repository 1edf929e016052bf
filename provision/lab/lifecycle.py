"""A lab comes up, and goes down again without a trace."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from provision.errors import LabError
from provision.lab import cleanup, engine, hosts, inventory, prerequisites
from provision.lab.engine import Engine
from provision.lab.paths import LABEL, NAME, Layout, Node, nodes
from provision.lab.prerequisites import Say
from provision.lab.supplies import download_archives, services

AT_ONCE = 8

REMOVE_S = 600


def up(number: int, say: Say) -> list[Node]:
    """Have a lab with *number* hosts running, whatever there is of it now.

    What runs is left alone, what is missing or broken is made; hosts above *number*
    are removed.
    """
    layout, wanted = Layout.of(), nodes(number)
    with alone(layout, say), ThreadPoolExecutor(1) as beside:
        outer = _engine(layout, say)
        ray = beside.submit(prerequisites.ray_files, layout, say)
        image = prerequisites.host_image(outer, layout, say)
        download_archives.make(layout, say)
        services.network(outer, layout)
        services.serve(outer, layout, image)
        _only(outer, layout, wanted, say)
        _all(outer, layout, image, wanted, say)
        inventory.write(layout, wanted)
        if files := ray.result():
            say("storing the Ray image in the registry")
            prerequisites.ray_image(layout, files)
    return wanted


def _engine(layout: Layout, say: Say) -> Engine:
    found = engine.find(layout)
    prerequisites.programs(say, engine=found is None)
    layout.root.mkdir(parents=True, exist_ok=True)
    if found is None:
        say("starting a Docker engine for the lab")
        found = engine.start(layout)
    return found


def _only(outer: Engine, layout: Layout, wanted: list[Node], say: Say) -> None:
    """Remove the hosts that are not *wanted*."""
    for node in {*hosts.existing(outer), *layout.planned()} - {*wanted}:
        say(f"removing {node.name}")
        hosts.destroy(outer, node)
        layout.host_key(node).unlink(missing_ok=True)


def _all(
    outer: Engine, layout: Layout, image: str, wanted: list[Node], say: Say
) -> None:
    """Have all *wanted* hosts running and answering."""
    states = hosts.existing(outer)

    def one(node: Node) -> None:
        if did := hosts.ensure(outer, layout, image, node, states.get(node, "")):
            say(f"{node.name} {did}")

    each(one, wanted)


def down(*, keep_cache: bool) -> None:
    """Remove all of the lab from this machine, half dead or not."""
    layout = Layout.of()
    with alone(layout, _quiet):
        outer = engine.find(layout)
        if outer:
            _empty(outer, layout)
        if outer is None or outer.ours:
            _end_own(layout)
        _remove_files(layout, keep_cache=keep_cache)


def _empty(outer: Engine, layout: Layout) -> None:
    """Remove what the lab has in the engine."""
    mine = f"--filter=label={LABEL}={layout.root}"
    if found := outer.docker("ps", "--all", "--quiet", mine).split():
        # Disks of hosts with clusters on them are slow to remove on a busy machine.
        outer.docker("rm", "--force", "--volumes", *found, limit_s=REMOVE_S)
    if outer.does("network", "inspect", NAME):
        outer.docker("network", "rm", NAME)
    if found := outer.docker("images", "--quiet", mine).split():
        outer.docker("rmi", "--force", *found)


def _end_own(layout: Layout) -> None:
    """End the engine that is the lab's own, if there is one, and what it left."""
    if layout.engine_data.exists() or engine.running_pid():
        engine.stop()
        cleanup.unmount_below(layout.engine_data)
    if layout.made_key.exists():
        engine.KEY.unlink(missing_ok=True)


def _remove_files(layout: Layout, *, keep_cache: bool) -> None:
    if not layout.root.exists():
        return
    for path in layout.root.iterdir():
        if keep_cache and path == layout.cache:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    if not any(layout.root.iterdir()):
        layout.root.rmdir()


@contextmanager
def alone(layout: Layout, say: Say) -> Iterator[None]:
    """Wait for other programs that change this lab.

    The lock is on the directory the lab lies in: that outlives the lab, and no file of
    its own stays behind.
    """
    directory = os.open(layout.root.parent, os.O_RDONLY)
    try:
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another program that changes the lab")
            fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def each(action: Callable[[Node], None], chosen: Iterable[Node]) -> None:
    """Do *action* to all nodes, several at once.

    Raises:
        LabError: it failed for some; all others were done.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = [pool.submit(action, node) for node in chosen]
    errors = [error for job in done if (error := job.exception())]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise LabError("\n".join(str(error) for error in errors))


def _quiet(_line: str) -> None:
    pass
