"""The first ten minutes: an empty folder, three hosts, a password, and what is printed.

The lab is without the Internet: `group_vars/all.yml` in the folder names its registry and
its downloads, and that its hosts are small. All else a person types as it is printed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from support.lab.commands import ROOT

from provision import lab
from provision.lab.paths import LabPaths
from start.terminal import Terminal, page_with

pytestmark = [
    pytest.mark.lab,
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.usefixtures("running_lab"),
]
PAGE = ROOT / "docs/first-ten-minutes.md"
HOSTS = ("node1", "node2", "node3")
USERS = [f"admin@172.30.77.{number}" for number in (11, 12, 13)]
PASSWORD = "correct horse"
TEN_MINUTES_S = 600
ONLY_A_PASSWORD = f"""
echo 'admin:{PASSWORD}' | chpasswd
rm -rf /home/admin/.ssh
mkdir -p /etc/ssh/sshd_config.d
echo 'PasswordAuthentication yes' >/etc/ssh/sshd_config.d/00-password.conf
grep -q '^Include /etc/ssh/sshd_config.d' /etc/ssh/sshd_config ||
    sed -i '1i Include /etc/ssh/sshd_config.d/*.conf' /etc/ssh/sshd_config
systemctl reload ssh
"""
JOB = """\
import socket
import time
import ray

@ray.remote(num_cpus=1, scheduling_strategy="SPREAD")
def where(number):
    time.sleep(5)  # work
    return f"{number} squared is {number * number}, by {socket.gethostname()}"

for line in ray.get([where.remote(number) for number in range(6)]):
    print(line)
"""
OF_THE_LAB = ("docker_registry_mirrors", "ray_num_cpus", "ray_object_store_memory_mb")


@pytest.fixture
def hosts() -> Iterator[None]:
    """Bare hosts that know a password, and no key."""
    lab.reset()
    for host in HOSTS:
        lab.run(host, "sh", "-c", ONLY_A_PASSWORD)
    yield
    lab.reset()


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """The wheel of this tree, in the folder of a person who has nothing else."""
    sources, folder = tmp_path / "sources", tmp_path / "cluster"
    sources.mkdir()
    folder.mkdir()
    for name in ("provision", "playbooks"):
        skipped = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, sources / name, symlinks=True, ignore=skipped)
    for name in ("setup.cfg", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, sources)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
            *("--no-index", "--no-build-isolation", "-w", str(folder), str(sources)),
        ],
        check=True,
    )
    [built] = folder.glob("provision-*.whl")
    return built


@pytest.fixture
def terminal(wheel: Path, tmp_path: Path) -> Iterator[Terminal]:
    """A terminal with a new home and a new virtual environment, in that folder."""
    home, place = tmp_path / "home", tmp_path / "v"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    venv.create(place, with_pip=True)
    hidden = {"PYTHONPATH", "VIRTUAL_ENV", "SSH_AUTH_SOCK"}
    kept = {key: value for key, value in os.environ.items() if key not in hidden}
    path = f"{place / 'bin'}:{os.environ['PATH']}"
    lab_variables = wheel.parent / "group_vars/all.yml"
    lab_variables.parent.mkdir()
    lab_variables.write_text(yaml.safe_dump(_variables()))
    made = Terminal(wheel.parent, {**kept, "HOME": str(home), "PATH": path})
    yield made
    sys.stdout.write("\n".join(made.shown))


def _variables() -> dict[str, object]:
    """The variables of the lab's inventory that stand for the Internet, and small hosts."""
    written = yaml.safe_load(LabPaths.find().inventory.read_text())["all"]["vars"]
    return {
        name: value
        for name, value in written.items()
        if name in OF_THE_LAB or name.endswith("_downloads")
    }


def test_from_an_empty_folder_to_a_job(
    hosts: None, wheel: Path, terminal: Terminal
) -> None:
    begun = time.monotonic()
    _install(terminal, wheel)
    deploy = _inventory(terminal)
    code, printed = terminal.type(deploy)
    assert code == 0, printed
    assert "Ray cluster cluster is up: 3 nodes" in printed
    assert "provision run SCRIPT.py" in printed
    (terminal.folder / "squares.py").write_text(JOB)
    terminal.shown += ["$ cat squares.py", *JOB.splitlines(), ""]
    code, printed = terminal.type("provision run squares.py")
    assert code == 0, printed
    assert "5 squared is 25, by node" in printed
    # Where a task goes is Ray's choice; one host alone would take half a minute.
    assert sum(f", by {host}" in printed for host in HOSTS) > 1, printed
    took = time.monotonic() - begun
    assert took < TEN_MINUTES_S
    terminal.shown += [f"# {took / 60:.1f} minutes since the first command"]
    if os.environ.get("PROVISION_KEEP"):
        # The folder of the test has a long name.
        shown = [
            line.replace(str(terminal.folder), "~/cluster") for line in terminal.shown
        ]
        PAGE.write_text(page_with(PAGE.read_text(), "transcript", shown))


def _install(terminal: Terminal, wheel: Path) -> None:
    """Install the wheel; see that the program says where to begin."""
    # Index and certificates are this machine's: what pip says of them is not shown.
    code, _ = terminal.type(f"pip install -qqq {wheel.name}", show=False)
    assert code == 0
    terminal.shown += [f"$ pip install {wheel.name}", ""]
    code, printed = terminal.type("provision", show=False)
    assert (code, "Begin with `provision init`." in printed) == (0, True)


def _inventory(terminal: Terminal) -> str:
    """Make an inventory, without a key at first; return the next command, as it is printed."""
    answers = [("Hosts, such as", " ".join(USERS)), ("Type yes to accept", "yes")]
    code, printed = terminal.type("provision init", *answers, show=False)
    assert code == 5, printed
    assert "ssh-keygen -t ed25519, then `provision init` again" in printed
    # ssh-keygen proposes the home of the account, whatever HOME says.
    file = f"{terminal.environment['HOME']}/.ssh/id_ed25519"
    key = [("save the key", file), ("empty for no passphrase", ""), ("again", "")]
    code, _ = terminal.type("ssh-keygen -t ed25519", *key, show=False)
    assert code == 0
    written = [("password for SSH", PASSWORD), ("Type yes to write", "yes")]
    code, printed = terminal.type("provision init", *answers, *written)
    assert (code, PASSWORD in printed) == (0, False), printed
    deploy = "provision deploy --inventory cluster.yml"
    assert printed.rstrip().endswith(f"next  {deploy}")
    return deploy
