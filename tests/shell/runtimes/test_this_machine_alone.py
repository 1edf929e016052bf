"""inventories/localhost.yml deployed with `pip`: no SSH, no Docker, in a scratch folder.

It needs the wheels of Ray that `invoke lab.up` has fetched, or PROVISION_RAY_WHEELS, and the
Python that they are for.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
WHEELS = Path(os.environ.get("PROVISION_RAY_WHEELS", ROOT / ".lab/cache/wheels-2.60.0"))
PYTHON = Path("/usr/bin/python3.11")
pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.geteuid() != 0, reason="what it deploys belongs to root"),
    pytest.mark.skipif(Path("/run/systemd/system").exists(), reason="has systemd"),
    pytest.mark.skipif(not WHEELS.is_dir(), reason="no wheels of Ray are here"),
    pytest.mark.skipif(not PYTHON.exists(), reason=f"{PYTHON} is not here"),
]


@dataclass(frozen=True)
class Scratch:
    """A folder that all of the cluster is in, and commands for it."""

    folder: Path

    def invoke(self, command: str, *words: str, code: int = 0) -> str:
        inventory = self.folder / "localhost.yml"
        sets = {
            "cluster": "scratch",
            "data_dir": self.folder / "d",
            "ray_runtime": "pip",
            "ray_user": "root",
            "ray_python": PYTHON,
            "ray_python_packages": "[]",
            "ray_wheels": WHEELS,
            "ray_environments": self.folder / "env",
            "metrics": "false",
            "ray_num_cpus": 1,
            "ray_object_store_memory_mb": 100,
        }
        given = "".join(f"    {name}: {value}\n" for name, value in sets.items())
        text = (ROOT / "inventories/localhost.yml").read_text()
        inventory.write_text(f"{text}\nall:\n  vars:\n{given}")
        done = subprocess.run(
            [sys.executable, "-m", "invoke", command, "-i", str(inventory), *words],
            cwd=ROOT,
            env={**os.environ, "PROVISION_MANIFEST": f"{self.folder}/manifest"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def processes(self) -> list[str]:
        """Return the command lines that name the folder."""
        lines = [
            path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if path.exists()
        ]
        return [line for line in lines if f"{self.folder}/d" in line]


@pytest.fixture
def scratch() -> Iterator[Scratch]:
    # Ray makes sockets below it, whose paths must be short.
    folder = Path(tempfile.mkdtemp(prefix="rt", dir="/tmp"))
    made = Scratch(folder)
    yield made
    if made.processes():
        made.invoke("teardown", "--yes")
    shutil.rmtree(folder)


def test_a_cluster_of_this_machine_comes_stays_and_goes(scratch: Scratch) -> None:
    first = scratch.invoke("deploy")
    assert "does not start again by itself after a crash or a reboot" in first
    assert "Ray cluster scratch is up: 1 node" in first
    assert "0*0, 1*1, 2*2, 3*3" in scratch.invoke("smoke")
    assert "pip 2.60.0 running healthy" in scratch.invoke("status")
    assert "0 changed" in scratch.invoke("deploy")

    # Its main process is killed: what it has left behind is nobody else's Ray.
    pid = int((scratch.folder / "d/process/pid").read_text().split()[0])
    os.kill(pid, 9)
    assert "status: stopped -> running" in scratch.invoke("deploy")
    assert "refuses the old one" in scratch.invoke("token.rotate")

    # Another cluster wants its ports.
    refused = scratch.invoke(
        "plan",
        *("--set", "cluster=other", "--set", f"data_dir={scratch.folder}/o"),
        code=2,
    )
    assert "is taken by another Ray of the user root" in refused

    always = ("--set", "ray_survives_reboot=true")
    cannot = scratch.invoke("plan", *always, code=2)
    assert "Ray cannot start again after a reboot" in cannot

    tls = ("--set", "ray_tls=true")
    scratch.invoke("deploy", *tls)
    assert "0*0, 1*1, 2*2, 3*3" in scratch.invoke("smoke", *tls)
    assert "RAY_USE_TLS='1'" in (scratch.folder / "d/process/run").read_text()
    assert "0 changed" in scratch.invoke("deploy", *tls)

    scratch.invoke("teardown", "--yes")
    assert scratch.processes() == []
    left = {path.name for path in scratch.folder.iterdir()}
    assert left <= {"localhost.yml", ".provision", "manifest"}
