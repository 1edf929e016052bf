"""The virtual hosts: containers that boot systemd and sshd, and can run Docker inside."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence

from provision.errors import LabError
from provision.lab.engine import Engine
from provision.lab.keys import host_files
from provision.lab.paths import GATEWAY, HOST_LABEL, LABEL, NAME, Layout, Node

BOOT_S = 60
HALT_S = 30
RUN_FLAGS = (
    # All --privileged gives but the one capability that some machines do not have
    # themselves, and without the devices.
    *("--cap-add=ALL", "--cap-drop=SYS_RESOURCE"),
    *("--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined"),
    "--security-opt=systempaths=unconfined",  # the engine inside mounts its own /proc
    "--device-cgroup-rule=a *:* rwm",  # and lets its containers use their devices
    "--cgroupns=private",
    *("--tmpfs=/run:exec", "--tmpfs=/run/lock", "--env=container=docker"),
    "--volume=/var/lib/docker",  # overlay2 cannot be put on top of overlay2
    "--stop-signal=SIGRTMIN+3",  # systemd's word for: halt
)

# Without a way out, a name that only the Internet knows should fail soon, and Docker's
# resolver says nothing when the one that it asks is not there.
ISOLATED = ("--dns=127.0.0.1", "--dns-option=timeout:1", "--dns-option=attempts:1")


def existing(engine: Engine) -> dict[Node, str]:
    """The hosts there are, in order, and their state in Docker's words."""
    listing = engine.docker(
        *("ps", "--all", f"--filter=label={HOST_LABEL}"),
        f'--format={{{{.Label "{HOST_LABEL}"}}}} {{{{.State}}}}',
    )
    pairs = sorted(line.split() for line in listing.splitlines())
    found = {Node(int(number)): state for number, state in pairs}
    return dict(sorted(found.items(), key=lambda pair: pair[0].number))


def make(engine: Engine, layout: Layout, image: str, node: Node) -> None:
    """Make and start a bare host."""
    isolated = ISOLATED if engine.ours else ()
    engine.docker(
        *("create", f"--name={node.container}", f"--hostname={node.name}"),
        *(f"--label={LABEL}={layout.root}", f"--label={HOST_LABEL}={node.number}"),
        *(f"--network={NAME}", f"--network-alias={node.name}", f"--ip={node.address}"),
        f"--publish=127.0.0.1:{node.port}:22",
        *(*isolated, *RUN_FLAGS, image, "/usr/local/sbin/lab-init"),
    )
    files = host_files(layout, node)
    engine.docker("cp", "-", f"{node.container}:/", stdin=files)
    engine.docker("start", node.container)


def destroy(engine: Engine, node: Node) -> None:
    """Remove a host with all that is on it, if there is one."""
    if engine.does("container", "inspect", node.container):
        engine.docker("rm", "--force", "--volumes", node.container)


def ensure(engine: Engine, layout: Layout, image: str, node: Node, state: str) -> str:
    """Have a host that is in *state* running and answering; returns what was done."""
    did = ""
    if state == "running":
        if not ssh_answers(node):
            did = _revive(engine, node)
    elif state == "exited" and engine.does("start", node.container):
        did = "started again"
    else:
        destroy(engine, node)
        make(engine, layout, image, node)
        did = "made"
    wait(engine, node)
    return did


def _revive(engine: Engine, node: Node) -> str:
    if is_cut(engine, node):
        mend(engine, node)
        return "plugged in again"
    restart(engine, node)
    return "did not answer, and was rebooted"


def restart(engine: Engine, node: Node) -> None:
    """Shut a host down and start it again; its network is plugged in after that."""
    engine.docker("restart", f"-t={HALT_S}", node.container)


def power_off(engine: Engine, nodes: Sequence[Node]) -> None:
    """Take the power from hosts, all at one instant: nothing is shut down."""
    engine.docker("kill", *(node.container for node in nodes))


def power_on(engine: Engine, node: Node) -> None:
    """Give a host its power back."""
    engine.docker("start", node.container)


def run(engine: Engine, node: Node, argv: Sequence[str], limit_s: float) -> str:
    """What *argv* prints when root runs it on the host."""
    return engine.docker("exec", node.container, *argv, limit_s=limit_s)


def wait(engine: Engine, node: Node) -> None:
    """Wait until the host's sshd answers."""
    deadline = time.monotonic() + BOOT_S
    while not ssh_answers(node):
        if time.monotonic() > deadline:
            log = engine.docker("logs", "--tail=5", node.container)
            raise LabError(
                f"{node.name} does not answer on port {node.port}: {log}",
                hint=f"make it anew: invoke lab.reset {node.name}",
            )
        time.sleep(0.1)


def ssh_answers(node: Node) -> bool:
    """Whether an SSH server says hello on the host's port."""
    try:
        with socket.create_connection(("127.0.0.1", node.port), timeout=2) as link:
            return link.recv(4) == b"SSH-"
    except OSError:
        return False


IS_CUT = "test $(($(cat /sys/class/net/eth0/flags) & 1)) = 0"
CUT = "ip link set dev eth0 down"
MEND = "ip link set dev eth0 up && ip route replace default via"


def is_cut(engine: Engine, node: Node) -> bool:
    """Whether the host's network is unplugged."""
    return engine.does("exec", node.container, "sh", "-c", IS_CUT)


def cut(engine: Engine, node: Node) -> None:
    """Unplug the host's network: connections hang, as they do when a cable is out."""
    engine.docker("exec", node.container, "sh", "-c", CUT)


def mend(engine: Engine, node: Node) -> None:
    """Plug the host's network in again."""
    engine.docker("exec", node.container, "sh", "-c", f"{MEND} {GATEWAY}")
