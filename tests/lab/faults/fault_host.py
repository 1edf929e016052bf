"""One lab host, a small playbook, and the program as a user runs it.

What is left on the host is looked at through Docker, not through the program.
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
"""Each run of a slow step adds a line here: what half happened is seen."""
CLUSTER = "fault"
CLEAR = f"rm -rf {FOLDER} {NOTES}; mkdir {FOLDER}"
LOCKS = "ls /run/provision-*.lock /run/lock/provision-* 2>/dev/null || true"
ENDS_S = 120

Steps = list[dict[str, Any]]


def on(host: str, script: str) -> str:
    """What root's shell on a host prints; the network is not used."""
    return lab.run(host, "sh", "-c", script)


def wait_until(true: Callable[[], bool], limit_s: float, what: str) -> float:
    """Wait until *true*; how many seconds that took."""
    started = time.monotonic()
    while not true():
        passed_s = time.monotonic() - started
        assert passed_s < limit_s, f"not within {limit_s:g} s: {what}"
        time.sleep(0.3)
    return time.monotonic() - started


def text(name: str, content: str = "content", *, first: str = "") -> dict[str, Any]:
    """A step: a file below FOLDER; *first* is a command that runs before it is there."""
    parameters: dict[str, Any] = {"path": f"{FOLDER}/{name}", "content": content}
    if first:
        parameters["check"] = ["sh", "-c", first]
    return {"file": parameters}


def slow(name: str, seconds: float = 5) -> dict[str, Any]:
    """A step that takes its time, and notes that it ran."""
    return text(name, first=f"echo {name} >>{NOTES}; sleep {seconds}")


class Controller:
    """The program in a process of its own; its output is read as it comes."""

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

    def see(self, words: str, limit_s: float = 60) -> None:
        """Wait for a line with *words*."""
        deadline = time.monotonic() + limit_s
        while not any(words in line for line in list(self.lines)):
            over = not self._reader.is_alive() or time.monotonic() > deadline
            assert not over, f"{words!r} was not said:\n{self.output}"
            time.sleep(0.02)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(5)

    def ended(self, code: int, limit_s: float = ENDS_S) -> str:
        """What it printed, if it ended with *code*."""
        try:
            self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"it still ran after {limit_s:g} s:\n{self.output}"
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
class Scene:
    """A lab host for a fault, and a folder for its inventories and playbooks."""

    host: str
    folder: Path
    running: list[Controller] = field(default_factory=list)

    @property
    def node(self) -> lab.VirtualHost:
        return lab.VirtualHost(int(self.host.removeprefix("node")))

    def inventory(self, port: int = 0, name: str = "127.0.0.1") -> Path:
        """An inventory of the host alone; through a proxy's *port*, if one is given."""
        known = (ROOT / ".lab/known_hosts").read_text().splitlines()
        place = f"[127.0.0.1]:{self.node.port}"
        [key] = [line.partition(" ")[2] for line in known if place in line]
        variables = {
            "ansible_host": name,
            "ansible_port": port or self.node.port,
            "ansible_user": "admin",
            "ansible_ssh_private_key_file": str(ROOT / ".lab/id_ed25519"),
            "host_key": key,
        }
        path = self.folder / f"inventory-{port}-{name}.yml"
        shared = {"cluster": CLUSTER}
        path.write_text(
            yaml.safe_dump({"all": {"vars": shared, "hosts": {self.host: variables}}})
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
        name: str = "127.0.0.1",
        env: Mapping[str, str] | None = None,
    ) -> Controller:
        """Deploy *steps* to the host."""
        argv = [
            *(str(PROGRAM), "deploy", "-v"),
            *("--inventory", str(self.inventory(port, name))),
            *("--playbook", str(self.playbook(steps)), *words),
        ]
        controller = Controller(argv, self.folder, env)
        self.running.append(controller)
        return controller

    def deploy(self, steps: Steps, code: int = 0, limit_s: float = ENDS_S) -> str:
        """Deploy *steps* to the host, to the end."""
        return self.start(steps).ended(code, limit_s)

    def on(self, script: str) -> str:
        return on(self.host, script)

    def files(self) -> list[str]:
        """The names below FOLDER, those of unfinished files as well."""
        return self.on(f"ls -A {FOLDER}").split()

    def notes(self) -> list[str]:
        """Which slow steps have run, one name for each time."""
        return self.on(f"cat {NOTES} 2>/dev/null || true").split()

    def is_whole(self, *names: str) -> None:
        """See that exactly these files are there, and no lock."""
        there = self.files()
        assert there == sorted(names), f"there are {there}, not {sorted(names)}"
        for name in names:
            assert self.on(f"cat {FOLDER}/{name}"), f"{name} is empty"
        self.unlocked()

    def unlocked(self, limit_s: float = 10) -> None:
        """See that no run's lock is left."""
        wait_until(lambda: not self.on(LOCKS), limit_s, "the lock is released")


@contextlib.contextmanager
def scene(host: str = HOST) -> Iterator[Scene]:
    """A lab host with an empty FOLDER; all is cleared away at the end."""
    on(host, CLEAR)
    with tempfile.TemporaryDirectory(prefix="provision-fault-") as folder:
        made = Scene(host, Path(folder))
        try:
            yield made
        finally:
            for controller in made.running:
                if controller.process.poll() is None:
                    controller.kill()
            on(host, f"rm -rf {FOLDER} {NOTES}")
