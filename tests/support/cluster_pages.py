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

FRAMED = """<!DOCTYPE html><title>Ray</title><p id=said>nothing yet</p><script>
addEventListener("message", event => {
  said.textContent = event.data + ", part: " + location.hash
})
fetch("/api/grafana_health").then(answer => answer.json()).then(found => {
  const frame = document.createElement("iframe")
  frame.src = found.data.grafanaHost + "/d-solo/x"
  document.body.append(frame)
})
</script>"""
"""A page that embeds a panel of Grafana as Ray's Metrics tab does."""
PANEL = """<!DOCTYPE html><p>panel</p><script>
parent.postMessage("a panel is drawn", "*")
</script>"""
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
    special = SPECIAL.get(request.path)
    if special:
        return await special(request)
    body = await request.read()
    answer = web.Response(body=b"ray " + request.raw_path.encode() + b" " + body)
    answer.set_cookie("theirs", "1")
    return answer


async def _health(_request: web.Request) -> web.StreamResponse:
    data = {"grafanaHost": "http://grafana.example:3000", "sessionName": "s"}
    return web.json_response({"result": True, "data": data})


async def _framed(_request: web.Request) -> web.StreamResponse:
    return web.Response(text=FRAMED, content_type="text/html")


async def _jobs(_request: web.Request) -> web.StreamResponse:
    return web.json_response([JOB, {**JOB, "end_time": None, "start_time": None}])


async def _talk(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse(protocols=["tail"])
    await socket.prepare(request)
    async for message in socket:
        if message.type == WSMsgType.TEXT:
            await socket.send_str(f"echo {message.data}")
    return socket


async def _broken(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b"half")
    assert request.transport
    request.transport.abort()
    return response


SPECIAL = {
    "/": _framed,
    "/api/grafana_health": _health,
    "/api/jobs/": _jobs,
    "/api/broken": _broken,
    "/ws": _talk,
}


async def _grafana(request: web.Request) -> web.StreamResponse:
    if request.headers.get("Authorization") != BASIC:
        return web.Response(status=302, headers={"Location": "/login"})
    if request.path == "/moved":
        there = "http://grafana.example:3000/d/x"
        return web.Response(status=302, headers={"Location": there})
    page = PANEL if request.path.startswith("/d-solo/") else "panel"
    headers = {"X-Frame-Options": "deny"}
    return web.Response(text=page, headers=headers, content_type="text/html")


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
