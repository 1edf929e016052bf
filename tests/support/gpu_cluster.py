"""A cluster on hosts with real GPUs, and the program that deploys it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from provision.config.inventory import Host, load
from provision.model.shell import Sh
from provision.transport.query import ask

PROGRAM = "from provision import cli; cli.main()"


@dataclass(frozen=True)
class Cluster:
    """A cluster with GPUs, and the program that deploys it."""

    inventory: Path

    def hosts(self) -> list[Host]:
        return list(load(self.inventory).hosts.values())

    def run(self, command: str, *words: str) -> subprocess.CompletedProcess[str]:
        line = ["provision", command, "--inventory", str(self.inventory), *words]
        done = subprocess.run(
            [sys.executable, "-c", f"import sys; sys.argv = {line!r}; {PROGRAM}"],
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        said = f"{done.stdout}{done.stderr}[exit {done.returncode}]"
        sys.stdout.write(f"$ {' '.join(line)}\n{said}\n")
        return done

    def report(self, command: str, *words: str) -> dict[str, object]:
        """Run *command*, which must end well, and return its report."""
        path = self.inventory.with_name("report.json")
        done = self.run(command, "--report", str(path), *words)
        assert done.returncode == 0, done.stdout + done.stderr
        found: dict[str, object] = json.loads(path.read_text())
        return found

    def ask(self, host: Host, text: str) -> str:
        """Return the output of shell on *host*, which must end well."""
        reply = ask(host, Sh(text), 120)
        assert reply.exit == 0, (reply.stdout, reply.stderr)
        return reply.stdout
