"""The gate of the proxy: a secret in the first link, then a cookie, keep all others out."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection
from http import HTTPStatus

from aiohttp import web

KEY = "key"
"""The name of the secret in the first link."""
REFUSED = "This page is for the person who started it: open the link that it printed."
PAGE = """<!DOCTYPE html><title>Ray</title>
<script>location.replace("/" + location.hash)</script>
<noscript><meta http-equiv="refresh" content="0; url=/"></noscript>
"""
"""Goes on to the site's first page, and to the part of it that the link names after #."""


class Gate:
    """Keeper of the proxy: tells who may pass.

    The cookie holds for all ports of 127.0.0.1, as cookies do, so one link opens all.

    Args:
        origins: the addresses of the proxy's sites, as a browser has them.
        name: of the cookie; another proxy on this machine has another.
    """

    def __init__(self, origins: Collection[str], name: str) -> None:
        self._origins, self._name = frozenset(origins), name
        self._key, self._cookie = secrets.token_urlsafe(32), secrets.token_urlsafe(32)

    def link(self, origin: str) -> str:
        """Return the first link to one of the sites."""
        return f"{origin}/?{KEY}={self._key}"

    def answer(self, request: web.Request) -> web.Response | None:
        """Return what a visitor gets who does not pass yet; None: the request may pass."""
        if f"http://{request.host}" not in self._origins:
            # A name of elsewhere that was made to mean this machine.
            return _refused()
        if request.path == "/" and _same(request.query.get(KEY, ""), self._key):
            return self._welcome()
        if not _same(request.cookies.get(self._name, ""), self._cookie):
            return _refused()
        origin = request.headers.get("Origin")
        # For SameSite another port of this machine is the same site.
        if origin is not None and origin not in self._origins:
            return _refused()
        return None

    def without_cookie(self, cookies: str) -> str:
        """Return a header with the *cookies* that are not the gate's."""
        each = (cookie.strip() for cookie in cookies.split(";"))
        return "; ".join(c for c in each if c.partition("=")[0] != self._name)

    def _welcome(self) -> web.Response:
        """A page that goes on by itself: after a redirect a strict cookie is not sent."""
        page = web.Response(text=PAGE, content_type="text/html")
        page.set_cookie(
            self._name, self._cookie, httponly=True, samesite="Strict", path="/"
        )
        page.headers["Referrer-Policy"] = "no-referrer"
        page.headers["Cache-Control"] = "no-store"
        return page


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def _refused() -> web.Response:
    return web.Response(status=HTTPStatus.FORBIDDEN, text=f"{REFUSED}\n")
