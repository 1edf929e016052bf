"""Commands and copies on the hosts of a cluster: the functions of `provision.api`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from typing import Unpack

from provision.engine.each_host import Results, on_each
from provision.engine.on_hosts.command import Command, Output
from provision.engine.on_hosts.copy import Copied
from provision.engine.on_hosts.copy import copy as copy_files
from provision.engine.on_hosts.copy.copy import ignore
from provision.engine.on_hosts.copy.place import parse_both
from provision.engine.run import FORKS, ClusterOptions, Hosts, load_inventory
from provision.errors import HostError, OptionError
from provision.invocation import program
from provision.model.script import Sink
from provision.ray.head import head_of
from provision.ray.on_hosts.in_ray import InRay
from provision.ray.on_hosts.places import RayPlace, ray_container, ray_place
from provision.ray.on_hosts.selection import chosen, chosen_one
from provision.transport.connect import transport
from provision.transport.retry import connect_with_retry

TERMINAL = "sudo=; [ \"$(id -u)\" = 0 ] || sudo='sudo -H'; "
"""Begins a command line for root: sudo asks for its password on the terminal."""


def _hint() -> str:
    """Return what to do where Ray's container does not run."""
    return f"`{program()} deploy` brings Ray to the hosts, and starts its containers"


def execute(
    inventory: Hosts,
    *words: str,
    limit: str = "",
    container: bool = False,
    become: bool = True,
    limit_s: float = 0,
    stdout: Sink | None = None,
    stderr: Sink | None = None,
    done: Callable[[str, Output | HostError], object] = ignore,
    **options: Unpack[ClusterOptions],
) -> Results[Output]:
    """Run a command on all hosts of a cluster at once.

    Args:
        inventory: the cluster.
        words: one word is a line for `sh`; several are a program and its arguments.
        limit: a pattern; only these hosts.
        container: run it in Ray's container; where Ray is a process, with its environment.
        become: run it as root, if the inventory allows it.
        limit_s: seconds after which it is killed; 0 = never.
        stdout: takes the output as it comes, of all hosts; by default it is returned.
        stderr: takes the errors as they come.
        done: called with each host and its result, as it ends.
        options: `forks`, `credentials`.

    Raises:
        InputErrors: the inventory, the pattern or the command is wrong.
    """
    cluster = load_inventory(inventory, options)
    place = ray_place(cluster, options.get("sets")) if container else RayPlace()
    command = _command(words, place, become=become, limit_s=limit_s)
    run = InRay(cluster, options.get("sets", {}), command, stdout, stderr)
    return on_each(
        chosen(cluster, limit),
        run.on,
        forks=options.get("forks", FORKS),
        done=done,
    )


def _command(
    words: tuple[str, ...],
    place: RayPlace,
    *,
    become: bool = True,
    limit_s: float = 0,
) -> Command:
    """Return *words* as a command at *place*."""
    about = {"runner": place.runner, "hint": _hint()}
    return Command(place.words(words), place.container, become, limit_s, **about)


def ray_command(
    inventory: Hosts,
    *words: str,
    stdout: Sink | None = None,
    stderr: Sink | None = None,
    **options: Unpack[ClusterOptions],
) -> Output:
    """Run Ray's own program on the head, in its container or environment, with the token.

    Raises:
        HostError: the head cannot be reached, or its container does not run.
    """
    cluster = load_inventory(inventory, options)
    head = head_of(cluster)
    command = _command(("ray", *words), ray_place(cluster, options.get("sets")))
    run = InRay(cluster, options.get("sets", {}), command, stdout, stderr)
    results = on_each([head], run.on, forks=1)
    return results.all_values()[head.name]


def copy(
    inventory: Hosts,
    source: str,
    target: str,
    *,
    container: bool = False,
    become: bool = True,
    moved: Callable[[str, int], object] = ignore,
    lost: Callable[[str, HostError], object] = ignore,
    done: Callable[[str, Copied | HostError], object] = ignore,
    **options: Unpack[ClusterOptions],
) -> Results[Copied]:
    """Copy a file or a folder to hosts, or from them; see `engine/on_hosts/copy`.

    Args:
        inventory: the cluster.
        source: a path of this machine, or HOSTS:/PATH.
        target: the other of the two.
        container: the path is in Ray's container.
        become: as root on the hosts, if the inventory allows it.
        moved: called with a host and a number of bytes, as they go.
        lost: called with a host when its connection was lost, before the next attempt.
        done: called with a host and its result, as it ends.
        options: `forks`, `credentials`.

    Raises:
        InputErrors: the inventory or a path is wrong; no host was contacted.
    """
    cluster = load_inventory(inventory, options)
    places = parse_both(source, target)
    pattern = places[0].pattern or places[1].pattern
    return copy_files(
        chosen(cluster, pattern),
        *places,
        forks=options.get("forks", FORKS),
        container=ray_container(cluster) if container else "",
        become=become,
        moved=moved,
        lost=lost,
        done=done,
    )


def open_terminal(
    inventory: Hosts,
    host: str,
    *words: str,
    container: bool = False,
    root: bool = False,
    **options: Unpack[ClusterOptions],
) -> int:
    """Open a shell, or run a program, on the terminal of this process; return its exit code.

    Args:
        inventory: the cluster.
        host: its name.
        words: a program and its arguments; by default a shell.
        container: in Ray's container; where Ray is a process, with its environment, as root.
        root: as root.
        options: `credentials`.

    Raises:
        OptionError: this process has no terminal, or there is no such host.
        ConnectError: the host cannot be reached.
        ConnectionLost: the connection was lost.
    """
    cluster = load_inventory(inventory, options)
    chosen_host = chosen_one(cluster, host)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise OptionError(
            "there is no terminal for a shell", hint="`exec` runs a command without one"
        )
    place = ray_place(cluster, options.get("sets")) if container else RayPlace()
    line = terminal_line(place.words(words), place.container, place.runner, root=root)
    link = transport(chosen_host)
    connect_with_retry(link, lambda *about: None)
    try:
        return link.terminal(line)
    finally:
        link.close()


def terminal_line(
    words: Sequence[str], container: str = "", runner: str = "", *, root: bool
) -> str:
    """Return the line for the login shell that opens a shell, or runs *words*."""
    program = shlex.join(words)
    if container:
        shell = program or "sh -c 'command -v bash >/dev/null && exec bash; exec sh'"
        inside = f"docker exec -it {shlex.quote(container)} {shell}"
        return _for_sh(f"{TERMINAL}exec $sudo {inside}")
    if runner:
        inside = f"sh {shlex.quote(runner)} {program or 'bash'}"
        return _for_sh(f"{TERMINAL}exec $sudo {inside}")
    if root:
        return _for_sh(f"{TERMINAL}exec $sudo {program or 'bash -l'}")
    return program or 'exec "$SHELL" -l'


def _for_sh(line: str) -> str:
    """Return *line* for any login shell: csh and fish have no `sudo=`."""
    return f"exec sh -c {shlex.quote(line)}"
