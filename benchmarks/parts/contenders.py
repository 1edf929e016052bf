"""Contenders: for each the command that checks fifteen things on N hosts, and its limits.

Each has its files made in the farm's folder, and a home there without keys, known hosts
or settings of the person who runs this.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.farm.farm import Farm, addresses
from benchmarks.farm.hosts import PLAYBOOKS, inventory
from benchmarks.parts.comparison import CONNECT, FLOOR, MITOGEN, OURS, PYINFRA, TUNED
from provision.model.shell import quote

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".bench" / "venv"
LONG, ALL, HUGE = (1, 10, 100), (1, 10, 50, 100), (1, 10, 50, 100, 500)
"""On how many hosts: those that take minutes on 50 leave that number out."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program to run."""

    argv: list[str]
    env: Mapping[str, str] = field(default_factory=dict)
    folder: Path = ROOT


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to check the farm.

    Attributes:
        name: in tables.
        command: makes its files for some hosts of a farm, and says how to run it.
        sizes: on how many hosts it is run.
        once: from how many hosts on a single run has to do, since it takes long.
        changed: what its output has (a pattern) when it changed something: these hosts
            are this machine, and nothing here may change it.
    """

    name: str
    command: Callable[[Farm, int], Command]
    sizes: tuple[int, ...]
    once: int = 10_000
    changed: str = r"[1-9]\d* changed"


def environment(farm: Farm, **more: str) -> dict[str, str]:
    """Environment of a program: nothing of this user's but the PATH."""
    home = farm.folder / "client"
    home.mkdir(exist_ok=True)
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8", **more}


def hosts_file(farm: Farm, count: int, port: int | None = None) -> Path:
    """An inventory of *count* hosts, behind another *port* if one is given."""
    names: dict[str, dict[str, object]] = {
        f"h{n:03}": {"ansible_host": a} for n, a in enumerate(addresses(count))
    }
    variables: dict[str, object] = {
        "cluster": f"farm-{farm.port}",
        "ansible_user": farm.user,
        "ansible_port": port or farm.port,
        "ansible_ssh_private_key_file": str(farm.key),
        "known_hosts": str(farm.known_hosts(count, port)),
        **farm.goods.variables,
    }
    path = farm.folder / f"hosts{count}-{port or farm.port}.yml"
    return inventory(path, names, variables)


def ours(farm: Farm, count: int, port: int | None = None) -> Command:
    """`deploy`, as a user types it; to another *port* if one is given."""
    argv = [sys.executable, "-m", "invoke", "deploy"]
    argv += ["--inventory", str(hosts_file(farm, count, port))]
    argv += ["--playbook", str(PLAYBOOKS / "converged15.yml")]
    argv += ["--report", str(farm.folder / "report.json")]
    (farm.folder / "tasks.py").write_text(
        "from provision import cli\nnamespace = cli.namespace()\n"
    )
    return Command(argv, environment(farm), farm.folder)


def floor(way: str) -> Callable[[Farm, int], Command]:
    """One of the ways of floors.py."""

    def command(farm: Farm, count: int) -> Command:
        return floor_command(farm, count, way)

    return command


def floor_command(farm: Farm, count: int, way: str, port: int | None = None) -> Command:
    """A way of floors.py, to another *port* if one is given."""
    script = (PLAYBOOKS / "floor15.sh").read_text()
    settings = {
        "addresses": addresses(count),
        "port": port or farm.port,
        "user": farm.user,
        "key": str(farm.key),
        "host_key": farm.host_key,
        "script": f"sh -c {quote(script)} sh {quote(str(farm.goods.folder))}",
        "facts": farm.goods.facts,
    }
    path = farm.folder / f"floor{count}-{port or farm.port}.json"
    path.write_text(json.dumps(settings))
    argv = [sys.executable, str(ROOT / "benchmarks/farm/floors.py"), way, str(path)]
    return Command(argv, environment(farm), farm.folder)


CONFIG = """[defaults]
inventory = {hosts}
forks = 50
strategy = {strategy}
strategy_plugins = {plugins}
host_key_checking = True
interpreter_python = /usr/bin/python3
deprecation_warnings = False
timeout = 60
[ssh_connection]
pipelining = True
ssh_args = -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile={known_hosts}
"""
_number = itertools.count()
ANSIBLE_CHANGED = "changed=[1-9]"


def ansible(strategy: str) -> Callable[[Farm, int], Command]:
    """Ansible as one tunes it: all that saves round trips and time is on."""

    def command(farm: Farm, count: int) -> Command:
        config = farm.folder / f"ansible-{strategy}-{count}.cfg"
        config.write_text(
            CONFIG.format(
                hosts=hosts_file(farm, count),
                strategy=strategy,
                plugins=_site() / "ansible_mitogen/plugins/strategy",
                known_hosts=farm.known_hosts(count),
            )
        )
        # A control path of its own: every run connects anew.
        env = environment(
            farm,
            ANSIBLE_CONFIG=str(config),
            ANSIBLE_SSH_CONTROL_PATH_DIR=str(farm.folder / f"cp{next(_number)}"),
        )
        argv = [str(PEERS / "bin/ansible-playbook"), str(PLAYBOOKS / "ansible15.yml")]
        return Command(argv, env, farm.folder)

    return command


def _site() -> Path:
    return next((PEERS / "lib").glob("python3.*")) / "site-packages"


PYINFRA_HOSTS = "import json\nhosts = [tuple(h) for h in json.loads(%r)]\n"


def pyinfra(farm: Farm, count: int) -> Command:
    """pyinfra, with as many hosts at a time as Ansible."""
    data = {
        "ssh_user": farm.user,
        "ssh_port": farm.port,
        "ssh_key": str(farm.key),
        "ssh_known_hosts_file": str(farm.known_hosts(count)),
        "ssh_strict_host_key_checking": "yes",
        **farm.goods.variables,
    }
    path = farm.folder / f"pyinfra{count}.py"
    path.write_text(PYINFRA_HOSTS % json.dumps([(a, data) for a in addresses(count)]))
    argv = [str(PEERS / "bin/pyinfra"), "-y", "--parallel", "50", str(path)]
    argv.append(str(PLAYBOOKS / "pyinfra15.py"))
    return Command(argv, environment(farm), farm.folder)


def contenders(*, peers: bool) -> list[Contender]:
    """All of them, or only those that need nothing but our own environment."""
    own = [
        Contender(OURS, ours, HUGE),
        Contender(FLOOR, floor("exec"), HUGE),
        Contender(CONNECT, floor("connect"), HUGE),
        Contender(
            "fabric connects, exec on its transport", floor("fabric_transport"), ALL
        ),
        Contender("fabric run, one exec", floor("fabric_run"), ALL),
    ]
    if not peers:
        return own
    return [
        *own,
        Contender(PYINFRA, pyinfra, ALL, once=50, changed=r"Grand total +\d+ +\d"),
        Contender(MITOGEN, ansible("mitogen_free"), LONG, 10, ANSIBLE_CHANGED),
        Contender(TUNED, ansible("free"), LONG, 10, ANSIBLE_CHANGED),
    ]


def install_peers() -> None:
    """Make the environment of the peers, unless it is there."""
    made = PEERS / "made"
    lock = ROOT / "requirements-bench.txt"
    if made.exists() and made.read_text() == lock.read_text():
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(PEERS)], check=True)
    pip = [str(PEERS / "bin/python"), "-m", "pip", "install", "--quiet"]
    pip += ["--disable-pip-version-check", "--require-hashes", "-r", str(lock)]
    subprocess.run(pip, check=True)
    made.write_text(lock.read_text())
