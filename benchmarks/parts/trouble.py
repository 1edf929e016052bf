"""Bad farms: some hosts refuse, hang or are slow; and sshd that drops connections.

What counts is that the others are done as soon as without the bad ones, plus the
time-out for connecting, and that the report says exactly what happened.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from support.tcp_proxy import proxy

from benchmarks.farm.farm import ANY, DEFAULT_STARTUPS, Farm, addresses, farm, free_port
from benchmarks.farm.hosts import PLAYBOOKS, inventory
from benchmarks.parts.contenders import hosts_file
from benchmarks.tables import Goal, Section, goals_table, table
from provision import api
from provision.model.events import Event, HostEvent, HostFailed, HostRetrying, StepOk
from provision.model.result import Run
from provision.transport.ssh.transport import CONNECT_TIMEOUT_S

HOSTS, FEWER = 100, 40
EVERY = 20
"""One host in so many is of each bad kind: 5 %."""
SLOWER = 10
TURNS = 8
"""Turns of a converged host's connection; see latency.py."""
STEPS = 15
PLAYBOOK = PLAYBOOKS / "converged15.yml"


@dataclass(slots=True)
class Watch:
    """When each host's last step was seen to be right, and what did not work."""

    started_s: float = field(default_factory=time.monotonic)
    done_s: dict[str, float] = field(default_factory=dict)
    failed_s: dict[str, float] = field(default_factory=dict)
    retries: int = 0

    def __call__(self, event: Event) -> None:
        """Take one event."""
        passed_s = time.monotonic() - self.started_s
        self.retries += isinstance(event, HostRetrying)
        if isinstance(event, HostEvent) and isinstance(event, StepOk | HostFailed):
            ends = self.failed_s if isinstance(event, HostFailed) else self.done_s
            ends[event.host] = passed_s


def measure(*, quick: bool) -> Section:
    """Both kinds of trouble."""
    count = FEWER if quick else HOSTS
    part = Section(f"Trouble: {count} hosts, and some of them bad")
    with farm() as hosts:
        _bad_hosts(part, hosts, count)
        with farm(startups=DEFAULT_STARTUPS, name="jump") as jump:
            _startups(part, hosts, jump, count)
    return part


def _bad_hosts(part: Section, hosts: Farm, count: int) -> None:
    alone, _ = _run(hosts_file(hosts, 1))
    healthy, _ = _run(hosts_file(hosts, count))
    lone_s, healthy_s = max(alone.done_s.values()), max(healthy.done_s.values())
    slow_ms = lone_s * (SLOWER - 1) / TURNS * 1000
    with proxy(hosts.port, slow_ms, address=ANY) as slow, _deaf() as deaf:
        ports = {0: free_port(), 1: deaf, 2: slow.port}
        watch, run = _run(_mixed(hosts, count, ports))
    names = list(run.hosts)
    refused, hung = set(names[0::EVERY]), set(names[1::EVERY])
    wrong = _wrong(run, refused, hung)
    if wrong:
        part.say("**The report is not exact:**", "", *wrong, "")
    limit_s = healthy_s + CONNECT_TIMEOUT_S
    rest_s = max(watch.done_s.values())
    part.say(
        f"Of {count} hosts {len(refused)} refuse, {len(hung)} accept and say nothing, "
        f"{len(refused)} are {SLOWER} times slower.",
        "",
        *table(
            ["", "seconds after the start"],
            [
                ["a healthy farm is done", f"{healthy_s:.2f}"],
                ["the good and the slow hosts of the bad one", f"{rest_s:.2f}"],
                ["those that refuse are given up", _last(watch, refused)],
                ["those that hang are given up", _last(watch, hung)],
            ],
        ),
        "",
    )
    part.goals += [
        Goal("the rest of a bad farm is done in", rest_s, limit_s, unit=" s"),
        Goal("hosts of a bad farm reported otherwise than they are", len(wrong), 0),
    ]


def _last(watch: Watch, names: set[str]) -> str:
    return f"{max((watch.failed_s.get(name, 0) for name in names), default=0):.2f}"


def _wrong(run: Run, refused: set[str], hung: set[str]) -> list[str]:
    """Hosts that the report describes otherwise than they were made."""
    wrong = []
    for name, host in run.hosts.items():
        message = host.error.message if host.error else ""
        if name in refused:
            right = "refused the connection" in message
        elif name in hung:
            right = "did not greet" in message
        else:
            right = not message and host.ok == STEPS
        if not right or (message and host.error and host.error.exit_code != 4):
            wrong.append(f"- {name}: {host.ok} ok, {message or 'no error'}")
    return wrong


def _startups(part: Section, hosts: Farm, jump: Farm, count: int) -> None:
    """All through one jump host, whose sshd drops logins when many are under way."""
    known = hosts.folder / "known_hosts.jump"
    text = hosts.known_hosts(count).read_text() + jump.known_hosts(1).read_text()
    known.write_text(text)
    keys = jump.folder / "authorized_keys"
    keys.write_text((hosts.folder / "authorized_keys").read_text())
    path = hosts_file(hosts, count)
    data = yaml.safe_load(path.read_text())
    way = f"-o ProxyJump={jump.user}@{addresses(1)[0]}:{jump.port}"
    data["all"]["vars"] |= {"known_hosts": str(known), "ansible_ssh_common_args": way}
    path.write_text(yaml.safe_dump(data))
    watch, run = _run(path)
    bad = [f"{name}: {host.error}" for name, host in run.hosts.items() if host.error]
    part.say(
        f"{count} hosts behind one jump host with OpenSSH's own MaxStartups "
        f"({DEFAULT_STARTUPS}): done after {max(watch.done_s.values(), default=0):.2f} s; "
        f"its sshd turned {jump.dropped()} connections away, we tried again "
        f"{watch.retries} times, {len(bad)} hosts were given up.",
        *(f"- {line}" for line in bad[:3]),
    )
    part.goals += [
        Goal("connections dropped by MaxStartups", jump.dropped(), 0),
        Goal("hosts lost to MaxStartups", len(bad), 0),
    ]


def _run(path: Path) -> tuple[Watch, Run]:
    watch = Watch()
    return watch, api.apply(path, PLAYBOOK, reporters=[watch])


def _mixed(hosts: Farm, count: int, ports: Mapping[int, int]) -> Path:
    """An inventory whose hosts are at other ports, by their number modulo EVERY."""
    names: dict[str, dict[str, object]] = {
        f"h{n:03}": {
            "ansible_host": address,
            "ansible_port": ports.get(n % EVERY, hosts.port),
        }
        for n, address in enumerate(addresses(count))
    }
    variables: dict[str, object] = {
        "cluster": f"farm-{hosts.port}",
        "ansible_user": hosts.user,
        "ansible_ssh_private_key_file": str(hosts.key),
        "host_key": hosts.host_key,
        **hosts.goods.variables,
    }
    return inventory(hosts.folder / "mixed.yml", names, variables)


@contextlib.contextmanager
def _deaf() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        listener.listen(HOSTS)
        port: int = listener.getsockname()[1]
        yield port


def main() -> None:
    part = measure(quick=True)
    print(part.text(), *goals_table(part.goals), sep="\n")


if __name__ == "__main__":
    main()
