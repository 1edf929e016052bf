"""JupyterLab in the head's container, brought to a port of this machine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Unpack

from provision.config.inventory import Host, Inventory
from provision.engine.on_hosts.command import Command, Output
from provision.engine.run import ClusterOptions, Hosts, load_inventory
from provision.errors import HostError, OptionError
from provision.invocation import program
from provision.ray.browser.forward import Connection, PortForward
from provision.ray.head import head_of
from provision.ray.notebook.python import Source, python_with_jupyterlab
from provision.ray.notebook.server import Server
from provision.ray.on_hosts.in_ray import InRay
from provision.ray.on_hosts.places import ray_container
from provision.ray.on_hosts.verbs import copy
from provision.transport.connect import transport
from provision.transport.protocol import InteractiveTransport
from provision.transport.retry import connect_with_retry

IDLE_S = 3600
LARGEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Notebook:
    """JupyterLab, which runs.

    Attributes:
        link: its address on this machine, with the token that lets a browser in.
        wait: returns when it has ended by itself.
    """

    link: str
    wait: Callable[[], None]


@contextlib.contextmanager
def open_notebook(
    inventory: Hosts,
    *,
    port: int = 0,
    wheels: str = "",
    index: str = "",
    idle_s: int = IDLE_S,
    note: Callable[[str], object] = lambda text: None,
    **options: Unpack[ClusterOptions],
) -> Iterator[Notebook]:
    """Yield JupyterLab of the cluster's Python, which ends with the context.

    Args:
        inventory: the cluster.
        port: of this machine; 0: a free one.
        wheels: a folder here with the wheels of JupyterLab, for an image that lacks it.
        index: the URL of an index that the container reaches, in place of wheels.
        idle_s: seconds without use after which it ends by itself.
        note: called with a line when something takes long.
        options: `sets`, `credentials`.

    Raises:
        InventoryError: there is no head, or Ray runs in no container.
        OptionError: the port is taken, or there are no such wheels.
        StoppedError: Ray was stopped on purpose.
        HostError: the head cannot be reached, its container does not run, or has no
            JupyterLab.
    """
    cluster = load_inventory(inventory, options)
    head = head_of(cluster)
    container = ray_container(cluster, options.get("sets", {}))
    source = Source(wheels, index)
    source.check()
    with contextlib.ExitStack() as stack:
        dial = _Dial()
        forward = _listener(port, dial)
        stack.callback(forward.server_close)
        link = transport(head)
        connect_with_retry(link, lambda *about: None)
        stack.callback(link.close)
        place = _Container(head, link, cluster, container, options)
        server = Server(place, python_with_jupyterlab(place, source, note), idle_s)
        stack.callback(server.stop)
        facts = server.facts()
        dial.link, dial.port = link, int(facts["port"])
        forward.start()
        stack.callback(forward.shutdown)
        address = f"http://127.0.0.1:{forward.port}/lab"
        yield Notebook(f"{address}?token={facts['token']}", server.wait)


@dataclass(frozen=True, slots=True)
class _Container:
    """The head's container, over an open connection."""

    head: Host
    link: InteractiveTransport
    cluster: Inventory
    container: str
    options: ClusterOptions

    @property
    def name(self) -> str:
        return self.head.name

    def run(self, *words: str, **sinks: Any) -> Output:
        hint = (
            f"`{program()} deploy` brings Ray to the hosts, and starts its containers"
        )
        command = Command(words, self.container, hint=hint)
        run = InRay(self.cluster, self.options.get("sets", {}), command, **sinks)
        return run.on(self.head, self.link)

    def send(self, folder: str, target: str) -> None:
        place = f"{self.name}:{target}"
        options = self.options
        copy(self.cluster, folder, place, container=True, **options).all_values()


class _Dial:
    """Connects to JupyterLab by way of the head."""

    link: InteractiveTransport | None = None
    port = 0

    def __call__(self) -> Connection:
        if self.link is None:
            raise HostError("JupyterLab has not begun yet")
        return self.link.tunnel("127.0.0.1", self.port)


def _listener(port: int, dial: _Dial) -> PortForward:
    if not 0 <= port <= LARGEST_PORT:
        raise OptionError(f"--port takes a number up to {LARGEST_PORT}")
    try:
        return PortForward(port, dial)
    except OSError as error:
        raise OptionError(
            f"port {port} of this machine cannot be had: {error.strerror}",
            hint="choose another --port, or none: then a free one is taken",
        ) from error
