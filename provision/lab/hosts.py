"""The virtual hosts: containers that boot systemd and sshd and can run Docker inside."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence

from provision.errors import LabError
from provision.lab.engine import Engine
from provision.lab.keys import host_files
from provision.lab.paths import (
    GATEWAY,
    HOST_LABEL,
    LABEL,
    NAME,
    SECOND,
    LabPaths,
    VirtualHost,
)

BOOT_S = 60
HALT_S = 30
RUN_FLAGS = (
    # As --privileged, but without the devices and without the one capability that
    # some machines lack themselves.
    *("--cap-add=ALL", "--cap-drop=SYS_RESOURCE"),
    *("--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined"),
    "--security-opt=systempaths=unconfined",  # the engine inside mounts its own /proc
    "--device-cgroup-rule=a *:* rwm",  # and lets its containers use their devices
    "--cgroupns=private",
    *("--tmpfs=/run:exec", "--tmpfs=/run/lock", "--env=container=docker"),
    "--volume=/var/lib/docker",  # overlay2 cannot be put on top of overlay2
    "--stop-signal=SIGRTMIN+3",  # makes systemd halt
)

# Names on the Internet should fail soon in an isolated lab: Docker's resolver does not
# answer at all when its own server is unreachable.
ISOLATED = ("--dns=127.0.0.1", "--dns-option=timeout:1", "--dns-option=attempts:1")


def existing(engine: Engine) -> dict[VirtualHost, str]:
    """Return the existing hosts in order, each with the state that Docker gives."""
    listing = engine.docker(
        *("ps", "--all", f"--filter=label={HOST_LABEL}"),
        f'--format={{{{.Label "{HOST_LABEL}"}}}} {{{{.State}}}}',
    )
    pairs = sorted(line.split() for line in listing.splitlines())
    found = {VirtualHost(int(number)): state for number, state in pairs}
    return dict(sorted(found.items(), key=lambda pair: pair[0].number))


def create(engine: Engine, paths: LabPaths, image: str, host: VirtualHost) -> None:
    """Create and start a bare host."""
    isolated = ISOLATED if engine.is_lab_engine else ()
    engine.docker(
        *("create", f"--name={host.container}", f"--hostname={host.name}"),
        *(f"--label={LABEL}={paths.root}", f"--label={HOST_LABEL}={host.number}"),
        *(f"--network={NAME}", f"--network-alias={host.name}", f"--ip={host.address}"),
        f"--publish=127.0.0.1:{host.port}:22",
        *(*isolated, *RUN_FLAGS, image, "/usr/local/sbin/lab-init"),
    )
    connect_as_chosen(engine, paths, host)
    files = host_files(paths, host)
    engine.docker("cp", "-", f"{host.container}:/", stdin=files)
    engine.docker("start", host.container)


def connect_as_chosen(engine: Engine, paths: LabPaths, host: VirtualHost) -> None:
    """Let a host, running or not, be in the second network, or not, as the lab has it."""
    format_ = (
        f'--format={{{{if index .NetworkSettings.Networks "{SECOND}"}}}}in{{{{end}}}}'
    )
    is_in = engine.docker("container", "inspect", format_, host.container) == "in"
    if paths.networks > 1 and not is_in:
        addresses = (f"--ip={host.second_address}", f"--ip6={host.second_address6}")
        engine.docker("network", "connect", *addresses, SECOND, host.container)
    if paths.networks == 1 and is_in:
        engine.docker("network", "disconnect", SECOND, host.container)


def remove(engine: Engine, host: VirtualHost) -> None:
    """Remove a host and its data, if it exists."""
    if engine.succeeds("container", "inspect", host.container):
        engine.docker("rm", "--force", "--volumes", host.container)


def ensure_running(
    engine: Engine, paths: LabPaths, image: str, host: VirtualHost, state: str
) -> str:
    """Bring a host from *state* to running with SSH; return a word for what was done."""
    action = ""
    if state == "running":
        if not ssh_answers(host):
            action = _repair(engine, host)
    elif state == "exited" and engine.succeeds("start", host.container):
        action = "started"
    else:
        remove(engine, host)
        create(engine, paths, image, host)
        action = "created"
    wait_for_ssh(engine, host)
    return action


def _repair(engine: Engine, host: VirtualHost) -> str:
    if is_cut(engine, host):
        mend(engine, host)
        return "network reconnected"
    restart(engine, host)
    return "rebooted, because SSH did not answer"


def restart(engine: Engine, host: VirtualHost) -> None:
    """Shut a host down and start it again, with its network connected."""
    engine.docker("restart", f"-t={HALT_S}", host.container)


def power_off(engine: Engine, hosts: Sequence[VirtualHost]) -> None:
    """Kill hosts at the same moment, without a shutdown."""
    engine.docker("kill", *(host.container for host in hosts))


def power_on(engine: Engine, host: VirtualHost) -> None:
    """Start a host that was killed."""
    engine.docker("start", host.container)


def run(engine: Engine, host: VirtualHost, argv: Sequence[str], limit_s: float) -> str:
    """Run *argv* as root on the host; return what it prints."""
    return engine.docker("exec", host.container, *argv, limit_s=limit_s)


def wait_for_ssh(engine: Engine, host: VirtualHost) -> None:
    """Wait until the sshd of the host answers."""
    deadline = time.monotonic() + BOOT_S
    while not ssh_answers(host):
        if time.monotonic() > deadline:
            log = engine.docker("logs", "--tail=5", host.container)
            raise LabError(
                f"no SSH server on {host.name}, port {host.port}: {log}",
                hint=f"recreate the host: invoke lab.reset {host.name}",
            )
        time.sleep(0.1)


def ssh_answers(host: VirtualHost) -> bool:
    """Return True if an SSH server answers on the host's port."""
    try:
        with socket.create_connection(("127.0.0.1", host.port), timeout=2) as link:
            return link.recv(4) == b"SSH-"
    except OSError:
        return False


IS_CUT = "test $(($(cat /sys/class/net/eth0/flags) & 1)) = 0"
CUT = """for at in /sys/class/net/eth*; do
    name=${at##*/}
    echo 1 >"/proc/sys/net/ipv6/conf/$name/keep_addr_on_down" || :
    ip link set dev "$name" down
done"""
MEND = """for at in /sys/class/net/eth*; do ip link set dev "${at##*/}" up; done
ip route replace default via"""


def is_cut(engine: Engine, host: VirtualHost) -> bool:
    """Return True if the host's network is disconnected."""
    return engine.succeeds("exec", host.container, "sh", "-c", IS_CUT)


def cut(engine: Engine, host: VirtualHost) -> None:
    """Disconnect the host's network: connections hang, as with an unplugged cable."""
    engine.docker("exec", host.container, "sh", "-c", CUT)


def mend(engine: Engine, host: VirtualHost) -> None:
    """Reconnect the host's network."""
    engine.docker("exec", host.container, "sh", "-c", f"{MEND} {GATEWAY}")
