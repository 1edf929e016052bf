"""A lab host for a fault, with small playbooks and the program as a user runs it.

The state of the host is checked through Docker, not through the program.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from provision import lab

ROOT = Path(__file__).parents[3]
PROGRAM = Path(sys.executable).with_name("provision")
HOST = "node3"
FOLDER = "/etc/provision-fault"
NOTES = "/var/tmp/provision-fault.notes"
"""File to which each run of a slow step adds a line."""
CLUSTER = "fault"
CLEAR = f"rm -rf {FOLDER} {NOTES}; mkdir {FOLDER}"
LOCKS = "ls /run/provision-*.lock /run/lock/provision-* 2>/dev/null || true"
ENDS_S = 120

Steps = list[dict[str, Any]]


def run_as_root(host: str, script: str) -> str:
    """Run *script* in root's shell on a host, without its network; return its output."""
    return lab.run(host, "sh", "-c", script)


def wait_until(true: Callable[[], bool], limit_s: float, what: str) -> float:
    """Wait until *true* returns True; return the seconds."""
    started = time.monotonic()
    while not true():
        passed_s = time.monotonic() - started
        assert passed_s < limit_s, f"not within {limit_s:g} s: {what}"
        time.sleep(0.3)
    return time.monotonic() - started


def file_step(
    name: str, content: str = "content", *, first: str = ""
) -> dict[str, Any]:
    """Return a step: a file below FOLDER; the command *first* runs before it is written."""
    parameters: dict[str, Any] = {"path": f"{FOLDER}/{name}", "content": content}
    if first:
        parameters["check"] = ["sh", "-c", first]
    return {"file": parameters}


def slow_step(name: str, seconds: float = 5) -> dict[str, Any]:
    """Return a step that takes some seconds and adds a line to NOTES."""
    return file_step(name, first=f"echo {name} >>{NOTES}; sleep {seconds}")


class Controller:
    """The program in a process of its own, with its output so far."""

    def __init__(
        self, argv: list[str], cwd: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            argv,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def wait_for_line(self, text: str, limit_s: float = 60) -> None:
        """Wait for an output line that contains *text*."""
        deadline = time.monotonic() + limit_s
        while not any(text in line for line in list(self.lines)):
            over = not self._reader.is_alive() or time.monotonic() > deadline
            assert not over, f"{text!r} was not printed:\n{self.output}"
            time.sleep(0.02)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(5)

    def expect_exit(self, code: int, limit_s: float = ENDS_S) -> str:
        """Wait for the end, check the exit code, and return the output."""
        try:
            self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"it was still running after {limit_s:g} s:\n{self.output}"
            ) from None
        self._reader.join(5)
        got = self.process.returncode
        assert got == code, f"it ended with {got}, not {code}:\n{self.output}"
        return self.output

    def _read(self) -> None:
        if self.process.stdout:
            with self.process.stdout as lines:
                for line in lines:
                    self.lines.append(line)


@dataclass(slots=True)
class FaultHost:
    """A lab host, and a local folder for its inventories and playbooks."""

    name: str
    folder: Path
    running: list[Controller] = field(default_factory=list)

    @property
    def virtual_host(self) -> lab.VirtualHost:
        return lab.VirtualHost(int(self.name.removeprefix("node")))

    def inventory(self, port: int = 0, address: str = "127.0.0.1") -> Path:
        """Write an inventory of the host alone; *port* is that of a proxy, if any."""
        known = (ROOT / ".lab/known_hosts").read_text().splitlines()
        endpoint = f"[127.0.0.1]:{self.virtual_host.port}"
        [key] = [line.partition(" ")[2] for line in known if endpoint in line]
        variables = {
            "ansible_host": address,
            "ansible_port": port or self.virtual_host.port,
            "ansible_user": "admin",
            "ansible_ssh_private_key_file": str(ROOT / ".lab/id_ed25519"),
            "host_key": key,
        }
        path = self.folder / f"inventory-{port}-{address}.yml"
        shared = {"cluster": CLUSTER}
        path.write_text(
            yaml.safe_dump({"all": {"vars": shared, "hosts": {self.name: variables}}})
        )
        return path

    def playbook(self, steps: Steps) -> Path:
        path = self.folder / f"playbook-{time.monotonic_ns()}.yml"
        play = {"play": "fault", "hosts": "all", "become": True, "steps": steps}
        path.write_text(yaml.safe_dump([play]))
        return path

    def start(
        self,
        steps: Steps,
        *words: str,
        port: int = 0,
        address: str = "127.0.0.1",
        env: Mapping[str, str] | None = None,
    ) -> Controller:
        """Start a deploy of *steps* to the host."""
        argv = [
            *(str(PROGRAM), "deploy", "-v"),
            *("--inventory", str(self.inventory(port, address))),
            *("--playbook", str(self.playbook(steps)), *words),
        ]
        controller = Controller(argv, self.folder, env)
        self.running.append(controller)
        return controller

    def deploy(self, steps: Steps, code: int = 0, limit_s: float = ENDS_S) -> str:
        """Deploy *steps* to the host and check the exit code; return the output."""
        return self.start(steps).expect_exit(code, limit_s)

    def run(self, script: str) -> str:
        return run_as_root(self.name, script)

    def files(self) -> list[str]:
        """Return the file names below FOLDER, including those of temporary files."""
        return self.run(f"ls -A {FOLDER}").split()

    def notes(self) -> list[str]:
        """Return the names of the slow steps that ran, one for each time."""
        return self.run(f"cat {NOTES} 2>/dev/null || true").split()

    def assert_files(self, *names: str) -> None:
        """Check that exactly these files exist, none is empty, and no lock is left."""
        found = self.files()
        assert found == sorted(names), f"found {found}, not {sorted(names)}"
        for name in names:
            assert self.run(f"cat {FOLDER}/{name}"), f"{name} is empty"
        self.assert_unlocked()

    def assert_unlocked(self, limit_s: float = 10) -> None:
        """Wait until no lock of a run is left."""
        wait_until(lambda: not self.run(LOCKS), limit_s, "the lock is released")


@contextlib.contextmanager
def fault_host(name: str = HOST) -> Iterator[FaultHost]:
    """Provide a lab host with an empty FOLDER; remove everything at the end."""
    run_as_root(name, CLEAR)
    with tempfile.TemporaryDirectory(prefix="provision-fault-") as folder:
        host = FaultHost(name, Path(folder))
        try:
            yield host
        finally:
            for controller in host.running:
                if controller.process.poll() is None:
                    controller.kill()
            run_as_root(name, f"rm -rf {FOLDER} {NOTES}")
