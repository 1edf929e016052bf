"""`serve.*` over a real sshd: what is refused here, and a real Ray with Serve."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from conftest import Sshd, free_port, wait_for_port
from support.two_hosts import Done, Hosts, hosts_of

from provision.lab.paths import RAY_IMAGE

SCHEMA = Path(__file__).parents[3] / "docs/schemas/serve.status.json"
RAY = "PROVISION_RAY_WITH_SERVE"
"""The variable with the folder of an environment that has `ray[default,serve]`."""
TOKEN = "t" * 64
APP = """
from ray import serve

@serve.deployment
class Hello:
    def __call__(self, request):
        return "hello"

app = Hello.bind()
"""


class Cluster:
    """Hosts, the folder of Ray on them, and the port of its dashboard."""

    def __init__(self, hosts: Hosts, data: Path) -> None:
        self.hosts, self.data, self.port = hosts, data, 1

    def __call__(self, command: str, *words: str) -> Done:
        at = ("--set", "ray_dashboard_host=127.0.0.1")
        port = ("--set", f"ray_ports={{dashboard: {self.port}}}")
        return self.hosts.run(command, *words, *at, *port)

    def deploy(self, text: str, *words: str) -> Done:
        (self.hosts.folder / "config.yml").write_text(text)
        return self("serve.deploy", "config.yml", *words)


@pytest.fixture(scope="module")
def cluster(sshd: Sshd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster") / "c"
    key = sshd.public("ed25519")
    with tempfile.TemporaryDirectory(prefix="p-") as data:
        hosts = hosts_of(folder, sshd.port, sshd.key_file, key, data=Path(data))
        yield Cluster(hosts, Path(data))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("applications: [\n", "config.yml:2: not valid YAML"),
        ("http_options: {port: 1}\n", "config.yml:1: there is no `applications`"),
        ("applications: {a: b}\n", "applications: must be a list of applications"),
        ("applications:\n- one\n", "config.yml:2: applications[0]: must be a mapping"),
        (
            "applications:\n- name: a\n",
            "config.yml:2: applications[0]: has no `import_path`",
        ),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(
    cluster: Cluster, text: str, said: str
) -> None:
    done = cluster.deploy(text)
    assert done.returncode == 5
    assert said in done.stderr.decode(), done.stderr
    assert b"Traceback" not in done.stderr


def test_a_file_that_is_not_there_is_refused(cluster: Cluster) -> None:
    done = cluster("serve.deploy", "no.yml")
    assert (done.returncode, b"no.yml: there is no such file" in done.stderr) == (
        5,
        True,
    )


def test_a_ray_that_does_not_answer_is_one_line(cluster: Cluster) -> None:
    done = cluster("serve.status")
    assert done.returncode == 4
    assert b"Ray's dashboard does not answer" in done.stderr


def test_an_image_without_serve_is_said_with_the_line_to_write(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dashboard(BaseHTTPRequestHandler):
        """Answers as Ray 2.60.0 does where Serve cannot be imported."""

        def do_GET(self) -> None:
            body = b'Serve dependencies are not installed. Please run `pip install "ray[serve]"`.'
            self.send_response(501)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Dashboard) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setattr(cluster, "port", server.server_port)
        config = "applications: [{import_path: a:b}]\n"
        for done in (
            cluster.deploy(config),
            cluster("serve.status"),
            cluster("serve.stop"),
        ):
            assert done.returncode == 2
            assert b"Ray Serve is not in the image of the cluster" in done.stderr
            assert b"pip install 'ray[serve]==VERSION'" in done.stderr
        server.shutdown()


@pytest.fixture(scope="module")
def ray_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment with Serve, made if there is none."""
    if given := os.environ.get(RAY):
        return Path(given)
    folder = tmp_path_factory.mktemp("ray")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    wanted = f"ray[default,serve]=={RAY_IMAGE.partition(':')[2]}"
    subprocess.run([folder / "bin/pip", "install", "-q", wanted], check=True)
    return folder


@pytest.fixture(scope="module")
def serving(cluster: Cluster, ray_folder: Path) -> Iterator[Cluster]:
    """The cluster with a real Ray on loopback, which requires the token."""
    (cluster.data / "auth_token").write_text(TOKEN)
    (cluster.data / "hello_app.py").write_text(APP)
    cluster.port = free_port()
    words = [
        *(str(ray_folder / "bin/ray"), "start", "--head", "--block", "--num-cpus=2"),
        *("--node-ip-address=127.0.0.1", f"--port={free_port()}"),
        *("--dashboard-host=127.0.0.1", f"--dashboard-port={cluster.port}"),
        *(f"--ray-client-server-port={free_port()}", "--disable-usage-stats"),
        *("--object-store-memory=80000000", f"--temp-dir={cluster.data}/ray"),
    ]
    env = {
        **os.environ,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": TOKEN,
        "PYTHONPATH": str(cluster.data),
    }
    log = (cluster.data / "log").open("wb")
    with log, subprocess.Popen(words, env=env, stdout=log, stderr=log) as process:
        try:
            wait_for_port(cluster.port, process)
            yield cluster
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    shutil.rmtree(cluster.data / "ray", ignore_errors=True)


def config(name: str, port: int) -> str:
    return f"""
http_options: {{host: 127.0.0.1, port: {port}}}
applications:
- name: hello
  route_prefix: /hello
  import_path: {name}
"""


@pytest.mark.long
@pytest.mark.timeout(600)
def test_an_application_is_deployed_seen_and_stopped(serving: Cluster) -> None:
    port = free_port()
    done = serving.deploy(config("hello_app:app", port), "--json")
    assert done.returncode == 0, done.stderr.decode()
    [found] = json.loads(done.stdout)
    assert {*found} == {*json.loads(SCHEMA.read_text())["items"]["required"]}
    assert (found["name"], found["status"]) == ("hello", "RUNNING")
    assert found["deployments"] == {"Hello": "HEALTHY"}
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/hello") as answer:
        assert answer.read() == b"hello"
    shown = serving("serve.status")
    assert (shown.returncode, b"Hello HEALTHY" in shown.stdout) == (0, True)

    failed = serving.deploy(config("no_such_module:app", port))
    said = failed.stderr.decode()
    assert failed.returncode == 2, said
    assert "application hello is DEPLOY_FAILED" in said
    assert "No module named 'no_such_module'" in said
    assert serving("serve.status").returncode == 3

    refused = serving.deploy(config("no_colon", port))
    said = refused.stderr.decode()
    assert refused.returncode == 2, said
    assert "Ray refuses it" in said and "import_path" in said, said
    assert "Traceback" not in said and "pydantic.dev" not in said, said

    stopped = serving("serve.stop")
    assert (stopped.returncode, stopped.stdout) == (0, b"stopped: hello\n")
    assert serving("serve.status").stdout == b"Ray Serve has no application\n"
    assert serving("serve.stop").stdout == b"there was no application\n"
