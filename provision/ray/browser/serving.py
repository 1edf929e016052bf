"""The proxies of all sites of a cluster, for as long as a person looks at them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Unpack

from aiohttp import ClientSession, ClientTimeout, UnixConnector, web

from provision.engine.run import ClusterOptions, Hosts, load_inventory
from provision.errors import ConnectError, HostError, OptionError
from provision.invocation import program
from provision.model.framing import Task, run_tasks
from provision.model.shell import Sh
from provision.ray.browser.forward import Connection, Forward
from provision.ray.browser.gate import Gate
from provision.ray.browser.proxy import Proxy
from provision.ray.browser.sites import Site, sites
from provision.ray.head import PLAYBOOK, head_of, head_steps
from provision.ray.on_hosts.places import data_dir
from provision.ray.stopped.stopped import check_not_stopped
from provision.transport.connect import transport
from provision.transport.protocol import InteractiveTransport
from provision.transport.retry import connect_with_retry

HERE = "127.0.0.1"
READ_FILE = 'if [ -e "$path" ]; then cat -- "$path"; fi'
LIMIT_S = 60.0
LARGEST_PORT = 65535
SHORT = "/tmp"  # noqa: S108 - a folder of this user alone is made in it
"""The path of a Unix socket has at most 104 bytes."""
END_S = 1.0
"""Seconds that requests have to end, when all does."""


@dataclass(frozen=True, slots=True)
class Dashboards:
    """The pages of a cluster on this machine.

    Attributes:
        link: the first link to Ray's dashboard, with the secret that lets a browser in.
        addresses: of all sites, by their names; a browser that was let in may open them.
        silent: sites that did not answer when this began, and why.
    """

    link: str
    addresses: dict[str, str]
    silent: dict[str, str]


@contextlib.contextmanager
def open_dashboards(
    inventory: Hosts, *, port: int = 0, **options: Unpack[ClusterOptions]
) -> Iterator[Dashboards]:
    """Yield the cluster's pages on ports of 127.0.0.1, reached through SSH to the head.

    Args:
        inventory: the cluster.
        port: of Ray's dashboard here, the other sites have those after it; 0: free ones.
        options: as for a deploy.

    Raises:
        OptionError: a port is taken.
        InventoryError: there is no head, or no Ray.
        ConnectError: the head cannot be reached, or Ray's dashboard does not answer.
    """
    cluster = load_inventory(inventory, options)
    head = head_of(cluster)
    steps = list(head_steps(cluster, PLAYBOOK, options.get("sets", {})))
    with contextlib.ExitStack() as stack:
        link = transport(head)
        connect_with_retry(link, lambda *about: None)
        stack.callback(link.close)

        def read(path: str) -> str:
            task = Task(Sh.of(READ_FILE, path=path))
            [reply] = run_tasks(link.run, [task], become=head.become, limit_s=LIMIT_S)
            return reply.stdout

        found = sites(steps, read)
        dial = _Dialler(link)
        silent = dict(_silent(found, dial))
        if found[0].name in silent:
            folder = data_dir(cluster, options.get("sets", {}))
            check_not_stopped(head, link, folder)
            raise ConnectError(
                f"{head.name}: Ray's dashboard does not answer at {found[0].origin}",
                hint=f"`{program()} status` shows whether the cluster is deployed and up",
            )
        yield stack.enter_context(serving(found, dial, silent, port))


class _Dialler:
    """Opens connections through one SSH connection, which it opens again if it was lost."""

    def __init__(self, link: InteractiveTransport) -> None:
        self._link, self._opening = link, threading.Lock()

    def __call__(self, site: Site) -> Connection:
        with self._opening:
            self._link.open()
        return self._link.tunnel(site.host, site.port)


def _silent(found: Sequence[Site], dial: _Dialler) -> Iterator[tuple[str, str]]:
    for site in found:
        try:
            dial(site).close()
        except ConnectError as error:
            yield site.name, error.message


@contextlib.contextmanager
def serving(
    found: Sequence[Site], dial: _Dialler, silent: dict[str, str], port: int
) -> Iterator[Dashboards]:
    """Yield the proxies of the sites; they end with the context."""
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(one) for one in _listeners(len(found), port)]
        here = [f"http://{HERE}:{sock.getsockname()[1]}" for sock in socks]
        gate = Gate(here, f"provision_{socks[0].getsockname()[1]}")
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=SHORT)))
        forwards = []
        for place, site in enumerate(found):
            forward = Forward(folder / str(place), partial(dial, site))
            forward.start()
            stack.callback(forward.stop)
            forwards.append(forward)
        local = {site.origin: at for site, at in zip(found, here, strict=True)}
        local |= {s.public: at for s, at in zip(found, here, strict=True) if s.public}
        parts = list(zip(found, forwards, socks, strict=True))
        stack.enter_context(_running(partial(_serve, parts, gate, local)))
        names = [site.name for site in found]
        addresses = dict(zip(names, here, strict=True))
        yield Dashboards(gate.link(here[0]), addresses, silent)


def _listeners(count: int, port: int) -> Iterator[socket.socket]:
    """The sockets for browsers.

    Raises:
        OptionError: a port is taken, or is none.
    """
    if port and not 0 < port <= LARGEST_PORT - count + 1:
        raise OptionError(f"--port takes a number up to {LARGEST_PORT - count + 1}")
    for number in range(count):
        wanted = port + number if port else 0
        try:
            yield socket.create_server((HERE, wanted))
        except OSError as error:
            raise OptionError(
                f"port {wanted} of this machine cannot be had: {error.strerror}",
                hint="choose another --port, or none: then free ones are taken",
            ) from error


Start = Callable[[contextlib.AsyncExitStack], Awaitable[None]]
Parts = Sequence[tuple[Site, Forward, socket.socket]]


async def _serve(
    parts: Parts,
    gate: Gate,
    local: dict[str, str],
    stack: contextlib.AsyncExitStack,
) -> None:
    """Start the proxies, which end with *stack*."""
    for site, forward, sock in parts:
        # A stream of logs goes on for hours.
        session = ClientSession(
            connector=UnixConnector(str(forward.path), limit=0),
            timeout=ClientTimeout(total=None),
            auto_decompress=False,
            skip_auto_headers=(
                "User-Agent",
                "Accept",
                "Accept-Encoding",
                "Content-Type",
            ),
        )
        await stack.enter_async_context(session)
        proxy = Proxy(site, session, gate, local, partial(_reason, forward))
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", proxy.handle)
        # A log of requests would have the secret.
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=END_S)
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.SockSite(runner, sock).start()


def _reason(forward: Forward) -> str:
    error: HostError | None = forward.error
    return str(error) if error else ""


@contextlib.contextmanager
def _running(start: Start) -> Iterator[None]:
    """Run *start* in a thread with a loop of its own, and what it started until the end."""
    started, end = Future[asyncio.AbstractEventLoop](), asyncio.Event()

    async def main() -> None:
        async with contextlib.AsyncExitStack() as stack:
            await start(stack)
            started.set_result(asyncio.get_running_loop())
            await end.wait()

    def work() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    thread = threading.Thread(target=work, name="dashboard", daemon=True)
    thread.start()
    loop = started.result()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()
