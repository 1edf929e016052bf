"""A proxy to an SSH server: a link that is slow, can be cut, and counts its turns.

A turn is a burst of the client's bytes after bytes of the server's: what a round trip
is, as far as can be seen from outside. The TCP handshake is not delayed.

While the link is cut nothing is lost and nothing arrives, not even the end of a
connection, as with TCP over a cable that was pulled; what waited goes on when it is
mended. Connections can also be left stranded for good, while new ones get through, as of
a laptop that has changed its network.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

CHUNK_BYTES = 65536


@dataclass(slots=True)
class Proxy:
    """A running proxy.

    Attributes:
        port: where it listens.
        turns: how many there were so far, on all connections.
        connections: how many there were so far.
        sent: bytes that clients sent so far, on all connections.
        cut_at: cuts itself when clients have sent so many bytes.
    """

    target: int
    rtt_s: float
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    port: int = 0
    turns: int = 0
    connections: int = 0
    sent: int = 0
    cut_at: int | None = None
    _whole: asyncio.Event = field(default_factory=asyncio.Event)

    def reset(self) -> None:
        """Count from here."""
        self.turns = self.connections = self.sent = 0

    def cut(self) -> None:
        """Let nothing through any more; from any thread."""
        self.loop.call_soon_threadsafe(self._whole.clear)

    def mend(self) -> None:
        """Let everything through again, first what waited; from any thread."""
        self.loop.call_soon_threadsafe(self._whole.set)

    def strand(self) -> None:
        """Cut the connections there are, for good; from any thread."""

        def strand() -> None:
            self._whole.clear()
            self._whole = asyncio.Event()
            self._whole.set()

        self.loop.call_soon_threadsafe(strand)

    @property
    def whole(self) -> bool:
        """True if the link is not cut."""
        return self._whole.is_set()

    async def serve(
        self, reader: asyncio.StreamReader, out: asyncio.StreamWriter
    ) -> None:
        """Carry one connection both ways."""
        self.connections += 1
        # asyncio shouts about a connection that is cancelled at the end.
        with (
            contextlib.closing(out),
            contextlib.suppress(asyncio.CancelledError, OSError),
        ):
            whole = self._whole
            await whole.wait()
            host = out.get_extra_info("sockname")[0]
            back, forth = await asyncio.open_connection(host, self.target)
            with contextlib.closing(forth):
                await self._both_ways((reader, forth), (back, out), whole)

    async def _both_ways(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        whole: asyncio.Event,
    ) -> None:
        last = [""]
        await asyncio.gather(
            self._carry("client", *client, whole, last),
            self._carry("server", *server, whole, last),
        )

    async def _carry(
        self,
        who: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        whole: asyncio.Event,
        last: list[str],
    ) -> None:
        loop = asyncio.get_running_loop()
        delay_s = self.rtt_s / 2
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                self._count(len(data) if who == "client" else 0)
                await whole.wait()
                self.turns += who == "client" and last[0] != "client"
                last[0] = who
                loop.call_later(delay_s, writer.write, data)
        await whole.wait()
        # In the same queue, so after all that was written before.
        loop.call_later(delay_s, writer.close)
        await asyncio.sleep(delay_s)

    def _count(self, size: int) -> None:
        self.sent += size
        if self.cut_at is not None and self.sent >= self.cut_at:
            self.cut_at = None
            self._whole.clear()


@contextlib.contextmanager
def proxy(
    target: int, rtt_ms: float = 0, *, address: str = "127.0.0.1"
) -> Iterator[Proxy]:
    """A proxy to port *target*, for the time of the context.

    Args:
        target: the port of the SSH server.
        rtt_ms: what a round trip takes longer.
        address: where it listens, and where it connects to; 0.0.0.0 = the address that
            a client has chosen.
    """
    made = Proxy(target, rtt_ms / 1000)
    loop = made.loop
    made.mend()
    ready = threading.Event()

    async def main() -> None:
        server = await asyncio.start_server(made.serve, address, 0, backlog=1024)
        made.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await server.serve_forever()

    def run() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        if rest := asyncio.all_tasks(loop):
            for one in rest:
                one.cancel()
            loop.run_until_complete(asyncio.wait(rest))
        loop.run_until_complete(asyncio.sleep(0))  # what was closed is gone then
        loop.close()

    task = loop.create_task(main())
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(5)
