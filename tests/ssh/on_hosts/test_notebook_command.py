"""`notebook` over a real sshd, with stand-ins for Docker and for JupyterLab."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import start_sshd
from support.printed.schemas import check
from support.two_hosts import Hosts, hosts_of

LIMIT_S = 60
DOCKER = """#!/bin/sh
# Runs what is to be run in the container here, with a folder of its own.
case $1 in
container)
    [ -e {folder}/container ] || {{ echo "Error: No such container: $5" >&2; exit 1; }}
    cat {folder}/container ;;
exec)
    shift 2
    for each; do
        shift
        set -- "$@" "$(printf %s "$each" | sed s#/tmp/provision-notebook#{folder}/own#g)"
    done
    PATH={folder}/bin:$PATH # a login's files may put another Python before it
    exec setsid --wait "$@" ;; # what runs in a container does not end with the link
esac
"""
PYTHON = """#!/bin/sh
PYTHONPATH={folder}/packages
export PYTHONPATH
exec {python} "$@"
"""
JUPYTER = """
import http.server, json, os, sys

options = dict(word[2:].split("=") for word in sys.argv[1:] if "=" in word)
print("a line of a log: http://x/lab?token=not-to-be-shown", file=sys.stderr)
if os.path.exists("{folder}/broken"):
    sys.exit("cannot bind the address")

class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/end":
            os._exit(0)
        self.send_response(200 if self.path.endswith("token=secret") else 403)
        self.end_headers()
        self.wfile.write(json.dumps(options).encode())

    def log_message(self, *args):
        pass

port = int(options["ServerApp.port"])
server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Pages)
about = {{"port": port, "token": "secret", "pid": os.getpid()}}
runtime = os.environ["JUPYTER_RUNTIME_DIR"]
with open(runtime + "/jpserver-%s.json" % os.getpid(), "w") as file:
    json.dump(about, file, indent=2)
server.serve_forever(0.05)
"""


class Lab:
    """A head whose container is a folder of this machine."""

    def __init__(self, hosts: Hosts, folder: Path, data: Path) -> None:
        self.hosts, self.folder, self.data = hosts, folder, data

    def start(self, *words: str) -> subprocess.Popen[str]:
        argv = self.hosts.argv("notebook", *words)
        return subprocess.Popen(
            argv,
            cwd=self.hosts.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def refused(self, *words: str) -> tuple[int, str]:
        """Run it where it ends by itself; return its exit code and output."""
        done = self.start(*words)
        out, err = done.communicate(timeout=LIMIT_S)
        assert "Traceback" not in err
        return done.returncode, out + err

    def server(self) -> int:
        """The process of JupyterLab."""
        [file] = (self.folder / "own-runtime").glob("jpserver-*.json")
        return int(json.loads(file.read_text())["pid"])


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    folder = tmp_path / "s"
    packages = folder / "packages/jupyterlab"
    packages.mkdir(parents=True)
    (packages / "__init__.py").write_text("")
    (packages / "__main__.py").write_text(JUPYTER.format(folder=folder))
    for name, text in {"docker": DOCKER, "python": PYTHON}.items():
        program = folder / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(text.format(folder=folder, python=sys.executable))
        program.chmod(0o755)
    (folder / "container").write_text("running\n")
    path = f"{folder}/bin:{os.environ['PATH']}"
    sshd = start_sshd(tmp_path / "d", f"SetEnv PATH={path}\n")
    key = sshd.public("ed25519")
    # The paths of Ray's sockets must be short.
    with tempfile.TemporaryDirectory(prefix="p-") as name:
        data = Path(name)
        hosts = hosts_of(tmp_path / "c", sshd.port, sshd.key_file, key, data=data)
        yield Lab(hosts, folder, data)
    sshd.stop()


def is_there(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    try:
        return state.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(done: Callable[[], bool]) -> None:
    ends = time.monotonic() + LIMIT_S
    while not done():
        assert time.monotonic() < ends
        time.sleep(0.05)


def link_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    if not (line := process.stdout.readline()):
        pytest.fail(process.communicate(timeout=LIMIT_S)[1])
    check("notebook", json.loads(line))
    return str(json.loads(line)["link"])


def opened(link: str) -> dict[str, str]:
    with urllib.request.urlopen(link, timeout=LIMIT_S) as answer:
        found: dict[str, str] = json.loads(answer.read())
    return found


def test_its_link_opens_it_and_ctrl_c_ends_it(lab: Lab) -> None:
    process = lab.start("--json", "--idle", "20")
    link = link_of(process)
    options = opened(link)
    assert options["ServerApp.ip"] == "127.0.0.1"
    assert options["ServerApp.shutdown_no_activity_timeout"] == "1200"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        opened(link.replace("secret", "guessed"))
    pid = lab.server()
    assert is_there(pid)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, errors) == (0, "")
    until(lambda: not is_there(pid))


def test_one_that_nobody_uses_ends_by_itself(lab: Lab) -> None:
    process = lab.start("--json")
    link = link_of(process)
    with pytest.raises(OSError, match="closed"):
        opened(link.partition("/lab")[0] + "/end")
    _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, errors
    assert "nobody used it for 60 minutes" in errors


def test_an_image_without_it_is_one_error_that_says_what_to_do(lab: Lab) -> None:
    (lab.folder / "packages/jupyterlab/__init__.py").write_text("raise ImportError\n")
    code, said = lab.refused()
    assert code == 2
    assert "node1: JupyterLab is not in the image of the cluster" in said
    assert "pip download jupyterlab pip -d FOLDER" in said


def test_one_that_fails_shows_its_last_lines_and_no_token(lab: Lab) -> None:
    (lab.folder / "broken").touch()
    code, said = lab.refused()
    assert code == 2
    assert "JupyterLab has ended: cannot bind the address" in said
    assert "not-to-be-shown" not in said


def test_a_port_that_is_taken_is_refused(lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = lab.refused("--port", str(port))
    assert code == 5
    assert f"port {port} of this machine cannot be had" in said
    assert lab.refused("--port", "70000")[0] == 5


def test_wheels_that_are_not_there_are_refused(lab: Lab) -> None:
    code, said = lab.refused("--wheels", str(lab.folder))
    assert code == 5
    assert "no wheel of JupyterLab" in said
    both = lab.refused("--wheels", str(lab.folder), "--index", "http://127.0.0.1:1/")
    assert both[0] == 5


def test_a_head_that_is_not_deployed_is_told(lab: Lab) -> None:
    (lab.folder / "container").unlink()
    code, said = lab.refused()
    assert code == 2
    assert "there is no container ray-c on this host: not deployed" in said


def test_a_head_that_was_stopped_on_purpose_is_told(lab: Lab) -> None:
    (lab.folder / "container").write_text("exited\n")
    (lab.data / "stopped").write_text("since then by anna@laptop\nray-c\n")
    code, said = lab.refused()
    assert code == 2
    assert "node1: Ray is stopped on purpose since then by anna@laptop" in said
    assert "`invoke start` starts what was stopped" in said


def test_ray_without_a_container_is_refused(lab: Lab) -> None:
    code, said = lab.refused("--set", "ray_runtime=pip")
    assert code == 5
    assert "Ray runs in no container here" in said
