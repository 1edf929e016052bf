"""Web servers that ask what Ray's dashboard, Grafana and Prometheus ask of a visitor."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass

from aiohttp import WSMsgType, web

TOKEN = "token-of-ray"
PASSWORD = "password of grafana"
BASIC = f"Basic {base64.b64encode(f'admin:{PASSWORD}'.encode()).decode()}"

JOB = {
    "submission_id": "raysubmit_1",
    "type": "SUBMISSION",
    "status": "SUCCEEDED",
    "entrypoint": "python train.py",
    "message": "Job finished successfully.",
    "start_time": 1764312345678,
    "end_time": 1764312349000,
    "driver_exit_code": 0,
}
"""A job as Ray 2.60 lists it."""


@dataclass
class Pages:
    """The servers, by their ports.

    Attributes:
        ports: of Ray, Grafana and Prometheus.
        asked: the headers of each request, with its path as `path`.
    """

    ports: tuple[int, int, int]
    asked: list[dict[str, str]]

    @property
    def grafana_for_browsers(self) -> str:
        """The address of Grafana that Ray tells its visitors."""
        return "http://grafana.example:3000"


async def _ray(request: web.Request) -> web.StreamResponse:
    if request.headers.get("Authorization") != f"Bearer {TOKEN}":
        return web.Response(status=401, text="Unauthorized")
    if request.path == "/api/grafana_health":
        data = {"grafanaHost": "http://grafana.example:3000", "sessionName": "s"}
        return web.json_response({"result": True, "data": data})
    if request.path == "/api/jobs/":
        return web.json_response([JOB, {**JOB, "end_time": None, "start_time": None}])
    if request.path == "/ws":
        socket = web.WebSocketResponse(protocols=["tail"])
        await socket.prepare(request)
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                await socket.send_str(f"echo {message.data}")
        return socket
    if request.path == "/api/broken":
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport
        request.transport.abort()
        return response
    body = await request.read()
    answer = web.Response(body=b"ray " + request.raw_path.encode() + b" " + body)
    answer.set_cookie("theirs", "1")
    return answer


async def _grafana(request: web.Request) -> web.StreamResponse:
    if request.headers.get("Authorization") != BASIC:
        return web.Response(status=302, headers={"Location": "/login"})
    if request.path == "/moved":
        there = "http://grafana.example:3000/d/x"
        return web.Response(status=302, headers={"Location": there})
    return web.Response(text="panel", headers={"X-Frame-Options": "deny"})


async def _prometheus(_request: web.Request) -> web.StreamResponse:
    return web.Response(text="prometheus")


@contextlib.contextmanager
def pages() -> Iterator[Pages]:
    """Yield the servers, which end with the context."""
    asked: list[dict[str, str]] = []
    started = Future[tuple[asyncio.AbstractEventLoop, list[int]]]()
    end = asyncio.Event()

    @web.middleware
    async def note(request: web.Request, handler: object) -> web.StreamResponse:
        asked.append({**request.headers, "path": request.raw_path})
        assert callable(handler)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def main() -> None:
        ports, runners = [], []
        for handler in (_ray, _grafana, _prometheus):
            app = web.Application(middlewares=[note])
            app.router.add_route("*", "/{path:.*}", handler)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            ports.append(runner.addresses[0][1])
            runners.append(runner)
        started.set_result((asyncio.get_running_loop(), ports))
        await end.wait()
        for runner in runners:
            await runner.cleanup()

    thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
    thread.start()
    loop, (ray, grafana, prometheus) = started.result(20)
    try:
        yield Pages((ray, grafana, prometheus), asked)
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(20)
