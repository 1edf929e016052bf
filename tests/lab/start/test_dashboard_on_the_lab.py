"""dashboard before a real Ray, and the lab's Prometheus and Grafana, in a browser if there is one."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

import pytest
from support.lab.commands import ROOT, argv, invoke

from provision import lab

pytestmark = [
    pytest.mark.lab,
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.usefixtures("running_lab"),
]
PICTURES = ROOT / "docs/images"
BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")


def test_the_pages_need_no_login() -> None:
    """Grafana is the lab's stand-in here: the login is real, its pages are text."""
    lab.reset()
    invoke("deploy", "--inventory", "lab.yml").expect_exit(0)
    invoke("smoke", "--inventory", "lab.yml").expect_exit(0)
    command = argv("dashboard", "--inventory", "lab.yml", "--json")
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout
        found = json.loads(process.stdout.readline())
        try:
            assert found["silent"] == {}
            _ask(found)
            _look(found)
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def _ask(found: dict[str, dict[str, str]]) -> None:
    """Ask each site for something that needs its login."""
    cookies = urllib.request.HTTPCookieProcessor(CookieJar())
    browser = urllib.request.build_opener(cookies)

    def get(url: str) -> str:
        with browser.open(url, timeout=60) as answer:
            text: str = answer.read().decode()
            return text

    get(str(found["link"]))
    ray, grafana, prometheus = found["addresses"].values()
    nodes = json.loads(get(f"{ray}/nodes?view=summary"))["data"]["summary"]
    assert len(nodes) == 3
    assert json.loads(get(f"{ray}/api/jobs/")) is not None
    health = json.loads(get(f"{ray}/api/grafana_health"))
    assert health["data"]["grafanaHost"] == grafana
    for uid in health["data"]["dashboardUids"].values():
        assert "stand-in" in get(f"{grafana}/d-solo/{uid}/x?panelId=1")
    assert len(json.loads(get(f"{grafana}/api/datasources"))) > 0
    deadline = time.monotonic() + 120
    while True:  # Prometheus looks every few seconds.
        answer = json.loads(get(f"{prometheus}/api/v1/query?query=up"))
        up = [one["value"][1] for one in answer["data"]["result"]]
        if up and set(up) == {"1"}:
            return
        assert time.monotonic() < deadline, answer
        time.sleep(1)


def _look(found: dict[str, dict[str, str]]) -> None:
    """See that a real browser draws Ray's Overview, Jobs and Metrics behind the link."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not program:
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        link, grafana = str(found["link"]), found["addresses"]["Grafana"]
        # A cookie of a session ends with the browser: each begins with the link.
        overview = _drawn(program, folder / "overview", link)
        assert "Recent jobs" in overview
        assert f'src="{grafana}/d-solo/' in overview
        jobs = _drawn(program, folder / "jobs", f"{link}#/jobs")
        assert "SUCCEEDED" in jobs, "the smoke job is not listed"
        metrics = _drawn(program, folder / "metrics", f"{link}#/metrics")
        if os.environ.get("PROVISION_KEEP"):
            for part in ("overview", "jobs", "metrics"):
                _picture(
                    program,
                    folder / part,
                    f"{link}#/{part}",
                    PICTURES / f"ray-{part}.png",
                )
        # Ray 2.60 embeds a whole dashboard there, and single panels in Overview.
        assert re.search(rf'src="{grafana}/d(-solo)?/', metrics)
        alone = found["addresses"]["Ray"]
        assert "open the link" in _drawn(program, folder / "stranger", alone)


def _picture(program: str, profile: Path, url: str, file: Path) -> None:
    """Keep a picture of a page in *file*."""
    _run(program, profile, "--hide-scrollbars", f"--screenshot={file}", url)


def _drawn(program: str, profile: Path, url: str) -> str:
    """Return the document of a page once it is drawn."""
    found = _run(program, profile, "--dump-dom", url)
    assert 'type="password"' not in found
    return found


def _run(program: str, profile: Path, *words: str) -> str:
    common = [
        *(program, "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
        *("--window-size=1280,860", "--virtual-time-budget=20000"),
        f"--user-data-dir={profile}",
    ]
    done = subprocess.run(
        [*common, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout
