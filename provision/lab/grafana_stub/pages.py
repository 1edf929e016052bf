"""The HTTP API: the paths of Grafana that this project uses.

Source: grafana.com, "HTTP API reference".
"""

from __future__ import annotations

import html
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from provision.lab.grafana_stub import COMMIT, VERSION, VERSION_TEXT, ConfigError
from provision.lab.grafana_stub.ini import Settings
from provision.lab.grafana_stub.provisioning import Log, dashboards
from provision.lab.grafana_stub.users import Users

DATA_SOURCE_TIMEOUT_S = 10
JSON = "application/json; charset=UTF-8"
HTML = "text/html; charset=UTF-8"


@dataclass(frozen=True)
class Response:
    """Status, content and content type."""

    status: int
    content: bytes
    kind: str = JSON
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Request:
    """A request; *role* is `admin`, `anonymous` or empty."""

    path: str
    query: str
    body: bytes | None
    role: str


def _json(value: object, status: int = 200) -> Response:
    return Response(status, json.dumps(value, indent=1).encode())


def _page(title: str, text: str) -> Response:
    body = f"<!DOCTYPE html><title>{html.escape(title)}</title><pre>\n"
    return Response(200, f"{body}{html.escape(text)}\n</pre>\n".encode(), HTML)


NOT_FOUND = _json({"message": "Not found"}, 404)
UNKNOWN = _json({"message": "Unauthorized", "statusCode": 401}, 401)
FORBIDDEN = _json({"message": "You'll need additional permissions"}, 403)
LOGIN = Response(302, b"", HTML, {"Location": "/login"})


class Site:
    """Data of the server, and its responses."""

    def __init__(
        self,
        config: Settings,
        users: Users,
        sources: list[dict[str, Any]],
        log: Log,
    ) -> None:
        self.config = config
        self.users = users
        self.sources = sources
        self.log = log
        below = config.is_true("server", "serve_from_sub_path")
        root = urlsplit(config.get("server", "root_url")).path.rstrip("/")
        self.prefix = root if below else ""

    def role(self, authorization: str) -> str:
        if authorization:
            return "admin" if self.users.accepts(authorization) else ""
        return "anonymous" if self.config.is_true("auth.anonymous", "enabled") else ""

    def respond(self, request: Request) -> Response:
        """Return the response to *request*."""
        for pattern, needs, method in ROUTES:
            if match := re.fullmatch(pattern, request.path):
                if needs and not request.role:
                    return UNKNOWN if request.path.startswith("/api/") else LOGIN
                if needs == "admin" and request.role != "admin":
                    return FORBIDDEN
                return method(self, request, *map(unquote, match.groups()))
        return NOT_FOUND

    def health(self, _request: Request) -> Response:
        return _json({"database": "ok", "version": VERSION, "commit": COMMIT})

    def login(self, _request: Request) -> Response:
        return _page("Grafana", f"{VERSION_TEXT}\nUse basic authentication.")

    def home(self, _request: Request) -> Response:
        found = dashboards(self.config, self.log).values()
        lines = [f"/d/{item['uid']}  {item['dashboard']['title']}" for item in found]
        return _page("Grafana", "\n".join([VERSION_TEXT, "", *lines]))

    def metrics(self, _request: Request) -> Response:
        labels = f'version="{VERSION}",edition="stand-in"'
        return Response(
            200, f"grafana_build_info{{{labels}}} 1\n".encode(), "text/plain"
        )

    def all_sources(self, _request: Request) -> Response:
        return _json(self.sources)

    def one_source(self, _request: Request, key: str, value: str) -> Response:
        source = self._source(key, value)
        return _json(source) if source else NOT_FOUND

    def _source(self, key: str, value: str) -> dict[str, Any] | None:
        chosen = [source for source in self.sources if source[key] == value]
        return chosen[0] if chosen else None

    def search(self, request: Request) -> Response:
        words = parse_qs(request.query).get("query", [""])[0].lower()
        found = []
        for item in dashboards(self.config, self.log).values():
            title = item["dashboard"]["title"]
            if words in title.lower():
                about = {"type": "dash-db", "url": f"/d/{item['uid']}/{item['uid']}"}
                folder = {"folderTitle": item["folder"]} if item["folder"] else {}
                found.append({"uid": item["uid"], "title": title, **about, **folder})
        return _json(found)

    def dashboard(self, _request: Request, uid: str) -> Response:
        item = dashboards(self.config, self.log).get(uid)
        if not item:
            return _json({"message": "Dashboard not found"}, 404)
        meta = {"provisioned": True, "folderTitle": item["folder"]}
        return _json({"meta": meta, "dashboard": {**item["dashboard"], "uid": uid}})

    def shown(self, _request: Request, uid: str) -> Response:
        item = dashboards(self.config, self.log).get(uid)
        if not item:
            return NOT_FOUND
        titles = [str(panel.get("title")) for panel in panels(item["dashboard"])]
        title = item["dashboard"]["title"]
        return _page(title, "\n".join([VERSION_TEXT, "", title, *titles]))

    def proxy(self, request: Request, uid: str, path: str) -> Response:
        source = self._source("uid", uid)
        if not source:
            return NOT_FOUND
        question = f"?{request.query}" if request.query else ""
        return _fetch(f"{source['url'].rstrip('/')}/{path}{question}", request.body)

    def queries(self, request: Request) -> Response:
        try:
            given = json.loads(request.body or b"")["queries"]
            results = {query["refId"]: self._result(query) for query in given}
        except (ValueError, KeyError, TypeError):
            return _json({"message": "bad request data"}, 400)
        worst = max((result["status"] for result in results.values()), default=200)
        return _json({"results": results}, worst)

    def _result(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Return the result of one instant query, as data frames."""
        source = self._source("uid", query["datasource"]["uid"])
        if not source:
            return {"status": 404, "error": "data source not found"}
        question = urlencode({"query": query["expr"]})
        reply = _fetch(f"{source['url'].rstrip('/')}/api/v1/query?{question}", None)
        if reply.status != 200:
            return {"status": reply.status, "error": reply.content.decode()}
        data = json.loads(reply.content)["data"]
        rows = data["result"] if data["resultType"] == "vector" else []
        return {"status": 200, "frames": [_frame(row) for row in rows]}


def panels(dashboard: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the panels of *dashboard*, including those in rows."""
    found = []
    for panel in dashboard.get("panels") or []:
        found += [panel, *(panel.get("panels") or [])]
    return found


def _frame(row: Mapping[str, Any]) -> dict[str, Any]:
    at, value = row["value"]
    fields = [
        {"name": "Time", "type": "time"},
        {"name": "Value", "type": "number", "labels": row["metric"]},
    ]
    values = [[int(at * 1000)], [float(value)]]
    return {"schema": {"fields": fields}, "data": {"values": values}}


def _fetch(url: str, body: bytes | None) -> Response:
    """Send a request to a data source; return its response."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    request = urllib.request.Request(url, body, form if body else {})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=DATA_SOURCE_TIMEOUT_S) as reply:  # noqa: S310
            kind = reply.headers.get("Content-Type", JSON)
            return Response(reply.status, reply.read(), kind)
    except urllib.error.HTTPError as error:
        return Response(error.code, error.read())
    except OSError as error:
        return _json({"message": f"Bad Gateway: {error}"}, 502)


SOURCES = "/api/datasources"
ROUTES: list[tuple[str, str, Callable[..., Response]]] = [
    ("/api/health", "", Site.health),
    ("/login", "", Site.login),
    ("/metrics", "", Site.metrics),
    ("/", "viewer", Site.home),
    (SOURCES, "admin", Site.all_sources),
    (f"{SOURCES}/(uid|name)/([^/]+)", "admin", Site.one_source),
    (f"{SOURCES}/proxy/uid/([^/]+)/(.*)", "viewer", Site.proxy),
    ("/api/search", "viewer", Site.search),
    ("/api/dashboards/uid/([^/]+)", "viewer", Site.dashboard),
    ("/api/ds/query", "viewer", Site.queries),
    (r"/d(?:-solo)?/([^/]+)(?:/.*)?", "viewer", Site.shown),
]


class PageHandler(BaseHTTPRequestHandler):
    """HTTP handler that passes requests to `site`."""

    site: ClassVar[Site]
    timeout = 60

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        self._answer(self.rfile.read(int(length) if length.isdigit() else 0))

    def _answer(self, body: bytes | None) -> None:
        url, site = urlsplit(self.path), self.site
        role = site.role(self.headers.get("Authorization", ""))
        path = url.path.removeprefix(site.prefix) or "/"
        try:
            response = site.respond(Request(path, url.query, body, role))
        except ConfigError as error:  # a folder of dashboards was removed
            response = _json({"message": str(error)}, 500)
        self.send_response(response.status)
        self.send_header("Content-Type", response.kind)
        self.send_header("Content-Length", str(len(response.content)))
        if not site.config.is_true("security", "allow_embedding"):
            self.send_header("X-Frame-Options", "deny")
        for name, value in (response.headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(response.content)

    def log_message(self, *args: object) -> None:
        """Log nothing: Grafana logs requests only if configured to."""
