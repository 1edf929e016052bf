"""The proxy in front of one site: it adds the login, and keeps addresses on this machine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, WSMsgType, web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from provision.ray.browser.gate import Gate
from provision.ray.browser.sites import Site

HOP = frozenset(
    {
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers about one connection, which a proxy does not pass on (RFC 9110, 7.6.1)."""
FRAMES = "x-frame-options"
GRAFANA_PATH, GRAFANA_HOST = "/api/grafana_health", "grafanaHost"
"""The path at which Ray's page asks for the address of the panels that it embeds."""
Messages = web.WebSocketResponse | ClientWebSocketResponse


class Proxy:
    """The way to one site.

    Args:
        site: the site.
        session: connects to it and nothing else.
        gate: who may pass.
        local: addresses of sites as they are elsewhere, and as they are here.
        failure: the reason why the site was not reached; "" = unknown.
    """

    def __init__(
        self,
        site: Site,
        session: ClientSession,
        gate: Gate,
        local: Mapping[str, str],
        failure: Callable[[], str],
    ) -> None:
        self._site, self._session, self._gate = site, session, gate
        self._local, self._failure = local, failure

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        if (refusal := self._gate.answer(request)) is not None:
            return refusal
        try:
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await self._websocket(request)
            return await self._pass(request)
        except (ClientError, TimeoutError):
            text = f"{self._site.name} does not answer. {self._failure()}\n"
            return web.Response(status=HTTPStatus.BAD_GATEWAY, text=text)

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        body = request.content if request.body_exists else None
        async with self._session.request(
            request.method,
            self._url(request),
            headers=self._headers(request),
            data=body,
            allow_redirects=False,
        ) as answer:
            headers = self._answer_headers(answer.headers)
            if request.path == GRAFANA_PATH:
                text = self._at_home(await answer.read())
                return web.Response(status=answer.status, headers=headers, body=text)
            response = web.StreamResponse(status=answer.status, headers=headers)
            if length := answer.headers.get("Content-Length"):
                response.headers["Content-Length"] = length
            await response.prepare(request)
            try:
                async for data in answer.content.iter_any():
                    await response.write(data)
            except ClientError:
                # Too late for another answer: the browser has to see that this is not whole.
                if request.transport:
                    request.transport.abort()
                return response
            await response.write_eof()
            return response

    def _url(self, request: web.Request) -> URL:
        return URL(f"{self._site.origin}{request.raw_path}", encoded=True)

    def _headers(self, request: web.Request) -> CIMultiDict[str]:
        """The headers of *request* with the login, as if it came from the site's own page."""
        left_out = {*HOP, "authorization", "cookie", "origin", "referer"}
        found = CIMultiDict(
            (k, v) for k, v in request.headers.items() if k.lower() not in left_out
        )
        if cookies := self._gate.without_cookie(request.headers.get("Cookie", "")):
            found["Cookie"] = cookies
        if "Origin" in request.headers:
            found["Origin"] = self._site.origin
        if request.path == GRAFANA_PATH:
            found["Accept-Encoding"] = "identity"
        found.update(self._site.login)
        return found

    def _answer_headers(self, given: CIMultiDictProxy[str]) -> CIMultiDict[str]:
        left_out = {*HOP, FRAMES}
        found = CIMultiDict(
            (k, v) for k, v in given.items() if k.lower() not in left_out
        )
        if "Location" in found:
            found["Location"] = self._here(found["Location"])
        # Pages of this proxy may frame each other; pages of others may not.
        sources = " ".join(dict.fromkeys(self._local.values()))
        found.add("Content-Security-Policy", f"frame-ancestors {sources}")
        return found

    def _here(self, address: str) -> str:
        """An address of a site, as this machine has it."""
        for there, here in self._local.items():
            if address == there or address.startswith(f"{there}/"):
                return f"{here}{address.removeprefix(there)}"
        return address

    def _at_home(self, answer: bytes) -> bytes:
        """The *answer* of Ray about Grafana, with its address here."""
        try:
            found: Any = json.loads(answer)
            found["data"][GRAFANA_HOST] = self._here(found["data"][GRAFANA_HOST])
        except (ValueError, KeyError, TypeError, AttributeError):
            return answer  # Ray says that there is no Grafana
        return json.dumps(found).encode()

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        headers = self._headers(request)
        names = [name for name in headers if name.lower().startswith("sec-websocket-")]
        for name in {*names}:
            del headers[name]
        words = request.headers.get("Sec-WebSocket-Protocol", "")
        protocols = [word.strip() for word in words.split(",") if word.strip()]
        async with self._session.ws_connect(
            self._url(request), headers=headers, protocols=protocols, max_msg_size=0
        ) as there:
            chosen = [there.protocol] if there.protocol else []
            here = web.WebSocketResponse(protocols=chosen, max_msg_size=0)
            await here.prepare(request)
            ways = [
                asyncio.ensure_future(_messages(here, there)),
                asyncio.ensure_future(_messages(there, here)),
            ]
            _, open_ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in open_:
                way.cancel()
            await here.close(code=there.close_code or 1000)
            return here


async def _messages(one: Messages, other: Messages) -> None:
    """Pass on the messages of a websocket until it ends."""
    async for message in one:
        if message.type == WSMsgType.TEXT:
            await other.send_str(message.data)
        elif message.type == WSMsgType.BINARY:
            await other.send_bytes(message.data)
