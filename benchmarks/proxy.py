"""A proxy to an SSH server that adds latency, and counts the turns a client waits for.

A turn is a burst of the client's bytes after bytes of the server's: what a round trip
is, as far as can be seen from outside. The TCP handshake is not delayed.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

CHUNK_BYTES = 65536


@dataclass(slots=True)
class Proxy:
    """A running proxy.

    Attributes:
        port: where it listens, on every address of 127.77.
        turns: how many there were so far, on all connections.
        connections: how many there were so far.
    """

    target: int
    rtt_s: float
    port: int = 0
    turns: int = 0
    connections: int = 0

    def reset(self) -> None:
        """Count from here."""
        self.turns = self.connections = 0

    async def serve(
        self, reader: asyncio.StreamReader, out: asyncio.StreamWriter
    ) -> None:
        """Carry one connection both ways."""
        self.connections += 1
        host = out.get_extra_info("sockname")[0]
        back, forth = await asyncio.open_connection(host, self.target)
        last = [""]
        ways = (("client", reader, forth), ("server", back, out))
        # asyncio shouts about a connection that is cancelled at the end.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*(self._carry(*way, last) for way in ways))

    async def _carry(
        self,
        who: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        last: list[str],
    ) -> None:
        loop = asyncio.get_running_loop()
        delay_s = self.rtt_s / 2
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                self.turns += who == "client" and last[0] != "client"
                last[0] = who
                loop.call_later(delay_s, writer.write, data)
        # In the same queue, so after all that was written before.
        loop.call_later(delay_s, writer.close)
        await asyncio.sleep(delay_s)


@contextlib.contextmanager
def proxy(target: int, rtt_ms: float) -> Iterator[Proxy]:
    """A proxy to port *target* of each address, for the time of the context."""
    made = Proxy(target, rtt_ms / 1000)
    loop = asyncio.new_event_loop()
    ready = threading.Event()

    async def main() -> None:
        server = await asyncio.start_server(made.serve, "0.0.0.0", 0, backlog=1024)
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
