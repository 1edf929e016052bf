"""`dashboard` over a real sshd, before web servers that ask for Ray's token and a login."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from aiohttp import ClientSession, WSServerHandshakeError
from conftest import Sshd, free_port
from support.cluster_pages import PASSWORD, TOKEN, Pages, pages
from support.two_hosts import Hosts, hosts_of

LIMIT_S = 60
Make = Callable[..., Hosts]


@pytest.fixture(scope="module")
def servers() -> Iterator[Pages]:
    with pages() as found:
        yield found


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """The head's folder with the secrets; the paths of Ray's sockets must be short."""
    with tempfile.TemporaryDirectory(prefix="p-") as name:
        folder = Path(name)
        (folder / "grafana").mkdir()
        (folder / "auth_token").write_text(f"{TOKEN}\n")
        (folder / "grafana/admin_password").write_text(PASSWORD)
        yield folder


@pytest.fixture(scope="module")
def make(sshd: Sshd, servers: Pages, data: Path) -> Make:
    """Return a function that makes an inventory in a folder, with more variables."""
    return partial(cluster, sshd, servers, data)


def cluster(
    sshd: Sshd, servers: Pages, data: Path, folder: Path, **changed: Any
) -> Hosts:
    """The inventory of a cluster whose pages are *servers*; its head has their secrets."""
    hosts = hosts_of(folder / "c", sshd.port, sshd.key_file, sshd.public("ed25519"))
    path = hosts.folder / "lab.yml"
    inventory = yaml.safe_load(path.read_text())
    ray, grafana, prometheus = servers.ports
    inventory["all"]["vars"] |= {
        "data_dir": str(data),
        "config_dir": str(data),
        "metrics": True,
        "ray_dashboard_host": "127.0.0.1",
        "ray_ports": {"dashboard": ray},
        "grafana_host": "127.0.0.1",
        "grafana_port": grafana,
        "grafana_url_for_browsers": servers.grafana_for_browsers,
        "prometheus_host": "127.0.0.1",
        "prometheus_port": prometheus,
        **changed,
    }
    path.write_text(yaml.safe_dump(inventory))
    return hosts


@dataclass(frozen=True)
class Answer:
    """An answer, read to its end."""

    status: int
    headers: Message
    body: bytes


@dataclass
class Browser:
    """A client that opens the link and keeps the cookie, as a browser does."""

    link: str
    addresses: Mapping[str, str]
    process: subprocess.Popen[bytes]
    cookie: str = ""

    def enter(self) -> Answer:
        """Open the link, and keep the cookie."""
        link = urlsplit(self.link)
        answer = self.ask(f"{link.scheme}://{link.netloc}", f"/?{link.query}")
        self.cookie = (answer.headers.get("Set-Cookie") or "").partition(";")[0]
        return answer

    def ask(
        self,
        address: str,
        path: str = "/",
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        place = urlsplit(address)
        opened = http.client.HTTPConnection(
            str(place.hostname), place.port, timeout=LIMIT_S
        )
        cookie = {"Cookie": f"mine=2; {self.cookie}"} if self.cookie else {}
        with contextlib.closing(opened) as connection:
            connection.request(method, path, body, {**cookie, **(headers or {})})
            with connection.getresponse() as found:
                return Answer(found.status, found.headers, found.read())

    def text(self, address: str, path: str = "/") -> str:
        return self.ask(address, path).body.decode()


@pytest.fixture(scope="module")
def browser(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The command, as it runs, and a browser that was let in."""
    hosts = make(tmp_path_factory.mktemp("pages"))
    with hosts.start("dashboard", "--json") as process:
        assert process.stdout
        line = process.stdout.readline()
        try:
            found = json.loads(line)
        except ValueError:
            pytest.fail((line + process.stdout.read()).decode())
        assert found["silent"] == {}
        made = Browser(found["link"], found["addresses"], process)
        made.enter()
        yield made
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT_S) == 0
        assert process.stdout.read() == b""


def test_the_first_link_gives_a_cookie_that_scripts_do_not_see(
    browser: Browser,
) -> None:
    answer = browser.enter()
    cookie = answer.headers.get("Set-Cookie") or ""
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert answer.headers.get("Referrer-Policy") == "no-referrer"
    assert 'url=/"' in answer.body.decode()
    assert urlsplit(browser.link).query.removeprefix("key=") not in cookie


def test_ray_has_its_token_and_grafana_its_login(
    browser: Browser, servers: Pages
) -> None:
    assert [*browser.addresses] == ["Ray", "Grafana", "Prometheus"]
    there = browser.addresses["Ray"]
    assert browser.text(there, "/api/x%2Fy?a=%20b") == "ray /api/x%2Fy?a=%20b "
    assert browser.text(browser.addresses["Grafana"]) == "panel"
    assert browser.text(browser.addresses["Prometheus"]) == "prometheus"
    # The gate's cookie stays here; others go on.
    assert {asked.get("Cookie") for asked in servers.asked} == {"mine=2"}


def test_a_body_and_a_cookie_of_the_site_pass(browser: Browser) -> None:
    there = browser.addresses["Ray"]
    answer = browser.ask(there, "/post", "POST", b"x" * 300_000, {"Origin": there})
    assert answer.body.endswith(b"x" * 300_000)
    assert "theirs=1" in (answer.headers.get("Set-Cookie") or "")


def test_ray_is_told_the_address_of_grafana_here(browser: Browser) -> None:
    told = json.loads(browser.text(browser.addresses["Ray"], "/api/grafana_health"))
    assert told["data"] == {
        "grafanaHost": browser.addresses["Grafana"],
        "sessionName": "s",
    }


def test_panels_may_be_embedded_in_our_pages_and_no_others(browser: Browser) -> None:
    answer = browser.ask(browser.addresses["Grafana"], "/d-solo/x")
    assert answer.headers.get("X-Frame-Options") is None
    policy = answer.headers.get("Content-Security-Policy") or ""
    assert policy.startswith("frame-ancestors http://127.0.0.1:")
    assert browser.addresses["Ray"] in policy


def test_a_redirect_stays_on_this_machine(browser: Browser) -> None:
    answer = browser.ask(browser.addresses["Grafana"], "/moved")
    assert answer.headers.get("Location") == f"{browser.addresses['Grafana']}/d/x"


@pytest.mark.parametrize(
    "headers",
    [
        {"Cookie": ""},
        {"Cookie": "provision_1=x"},
        {"Host": "ray.attacker.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
    ],
)
def test_others_are_kept_out(browser: Browser, headers: dict[str, str]) -> None:
    for address in browser.addresses.values():
        answer = browser.ask(address, "/api", headers=headers)
        assert answer.status == 403
        assert "open the link" in answer.body.decode()


def test_a_wrong_key_is_refused(browser: Browser) -> None:
    stranger = Browser(f"{browser.link}x", browser.addresses, browser.process)
    assert stranger.enter().status == 403


def test_an_answer_that_breaks_off_is_not_whole(browser: Browser) -> None:
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        browser.ask(browser.addresses["Ray"], "/api/broken")
    assert browser.text(browser.addresses["Ray"], "/again") == "ray /again "


def test_websockets_pass_and_those_of_others_do_not(browser: Browser) -> None:
    there = browser.addresses["Ray"]

    async def talk(origin: str) -> tuple[str, str | None]:
        headers = {"Cookie": browser.cookie, "Origin": origin}
        async with (
            ClientSession(headers=headers) as session,
            session.ws_connect(f"{there}/ws", protocols=["tail"]) as link,
        ):
            await link.send_str("a")
            return await link.receive_str(), link.protocol

    assert asyncio.run(talk(there)) == ("echo a", "tail")
    with pytest.raises(WSServerHandshakeError, match="403"):
        asyncio.run(talk("http://elsewhere.example"))


def test_a_port_that_is_taken(make: Make, tmp_path: Path) -> None:
    hosts = make(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, output = hosts("dashboard", "--port", str(port))
    assert code == 5, output
    assert f"port {port} of this machine cannot be had: Address already" in output
    assert "choose another --port" in output


@pytest.mark.parametrize("port", ["0", "x", "65534", "-1"])
def test_a_port_that_is_none(make: Make, tmp_path: Path, port: str) -> None:
    code, output = make(tmp_path)("dashboard", f"--port={port}")
    assert (code, "Traceback" in output, "--port" in output) == (5, False, True), output


def test_a_cluster_that_is_not_there(make: Make, tmp_path: Path) -> None:
    hosts = make(tmp_path, ray_ports={"dashboard": free_port()})
    code, output = hosts("dashboard")
    assert code == 4, output
    assert "Ray's dashboard does not answer" in output
    assert "status" in output.partition("to do:")[2]


def test_without_metrics_there_is_ray_alone_and_a_silent_site_is_named(
    make: Make, tmp_path: Path
) -> None:
    hosts = make(tmp_path, prometheus_port=free_port())
    with hosts.start("dashboard") as process:
        assert process.stdout
        lines = [process.stdout.readline().decode() for _ in range(7)]
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT_S) == 0
    assert lines[0].startswith("open http://127.0.0.1:")
    assert "does not answer" in lines[4] and "does not answer" not in lines[3]
    assert lines[6] == "Ctrl-C ends it\n"


def test_open_hides_the_secret_from_other_users(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "browser"
    program.write_text(
        f'#!/bin/sh\ncp "${{1#file://}}" {tmp_path}/page\nstat -c %a "$(dirname "${{1#file://}}")" >{tmp_path}/mode\n'
        f'echo "$1" >{tmp_path}/said\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{program} %s")
    hosts = make(tmp_path, metrics=False)
    with hosts.start("dashboard", "--json", "--open") as process:
        assert process.stdout
        found = json.loads(process.stdout.readline())
        while not (tmp_path / "said").exists():
            assert process.poll() is None
            os.sched_yield()
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT_S) == 0
    assert [*found["addresses"]] == ["Ray"]
    assert found["link"] in (tmp_path / "page").read_text()
    said = (tmp_path / "said").read_text()
    assert said.startswith("file:///") and "key=" not in said
    assert (tmp_path / "mode").read_text() == "700\n"


TRIES = 5
BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")


@pytest.mark.slow
def test_a_real_browser_draws_an_embedded_panel(
    browser: Browser, tmp_path: Path
) -> None:
    """Link, strict cookie, a frame of another port: as a browser takes them."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not program:
        pytest.skip("there is no Chromium: apt-get install chromium-headless-shell")
    mine, stranger = tmp_path / "mine", tmp_path / "stranger"
    panel = "a panel is drawn"
    assert panel in drawn(program, mine, browser.link, panel)
    there = drawn(program, tmp_path / "part", f"{browser.link}#/metrics", panel)
    assert panel in there and "part: #/metrics" in there
    refusal = "open the link"
    assert refusal in drawn(program, stranger, browser.addresses["Ray"], refusal)


def drawn(program: str, profile: Path, url: str, awaited: str) -> str:
    """Return the document of a page once *awaited* is in it, or of the last of some tries.

    The browser's time is its own: it may be over before another process of it has drawn a frame.
    """
    documents = (document(program, profile, url) for _ in range(TRIES))
    return next((one for one in documents if awaited in one), "nothing was drawn")


def document(program: str, profile: Path, url: str) -> str:
    """Return the document of a page after ten seconds of the browser's time."""
    options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    done = subprocess.run(
        [
            *(program, *options, "--virtual-time-budget=10000"),
            *(f"--user-data-dir={profile}", "--dump-dom", url),
        ],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
