"""Hosts that run, each with a kernel of its own, in a network that nobody else is in."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from support.kernel_hosts.image import Image

SETUP = r"""
set -eu
ip link set lo up
ip link add lab type bridge
ip addr add 10.77.0.1/24 dev lab
ip link set lab up
for host; do
    ip tuntap add "tap$host" mode tap
    ip link set "tap$host" master lab up
done
echo ready
exec sleep 1800
"""
BOOT_S = 240
MEMORY = "256M"


class KernelHosts:
    """*number* hosts with the addresses 10.77.0.11, ...; use it as a context.

    Args:
        image: what they are started from; their disks are copies that end with them.
        folder: for their disks and consoles.
        number: of hosts.
    """

    def __init__(self, image: Image, folder: Path, number: int) -> None:
        self._image, self._folder = image, folder
        self._numbers = range(1, number + 1)
        self._hosts: list[subprocess.Popen[bytes]] = []
        self._network = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", SETUP, "sh", *map(str, self._numbers)],
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> Self:
        assert self._network.stdout is not None
        assert self._network.stdout.readline() == b"ready\n"
        key = self._image.key.with_suffix(".pub").read_text().split()[:2]
        lines = [f"{self.address(n)} {' '.join(key)}\n" for n in self._numbers]
        self.known_hosts.write_text("".join(lines))
        for number in self._numbers:
            self._hosts.append(self._start(number))
        for number in self._numbers:
            self._await(number)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for host in self._hosts:
            # It is the leader of a group with the processes of its host.
            os.killpg(host.pid, signal.SIGKILL)
            host.wait()
        self._network.kill()
        self._network.wait()
        assert self._network.stdout is not None
        self._network.stdout.close()

    @property
    def known_hosts(self) -> Path:
        return self._folder / "known_hosts"

    @property
    def key(self) -> Path:
        return self._image.key

    @property
    def inside(self) -> tuple[str, ...]:
        """The words before a command that is to run in the hosts' network."""
        return ("nsenter", f"--net=/proc/{self._network.pid}/ns/net")

    def address(self, number: int) -> str:
        return f"10.77.0.{10 + number}"

    def run(self, number: int, script: str, limit_s: float = 120) -> str:
        """Run *script* on a host by ssh(1); return what it prints."""
        done = self._ssh(number, script, limit_s)
        assert done.returncode == 0, f"{script}: {done.stderr}"
        return done.stdout

    def cut(self, number: int) -> None:
        """Pull the cable of a host out."""
        self._link(number, "down")

    def mend(self, number: int) -> None:
        self._link(number, "up")

    def _link(self, number: int, state: str) -> None:
        words = ("ip", "link", "set", f"tap{number}", state)
        subprocess.run([*self.inside, *words], check=True)

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        disk = self._folder / f"disk{number}"
        registers = self._image.registers
        words = (
            *(self._image.kernel, f"umid=host{number}", f"uml_dir={self._folder}"),
            *(
                f"mem={MEMORY}",
                f"ubd0={disk},{self._image.disk}",
                "root=/dev/ubda",
                "rw",
            ),
            f"vec0:transport=tap,ifname=tap{number},depth=64,gro=1",
            *(f"lab.address={self.address(number)}/24", f"lab.host=host{number}"),
            *("init=/usr/local/sbin/guest-init", "con=null", "con0=null,fd:1"),
        )
        with self._console(number).open("wb") as console:
            return subprocess.Popen(
                [*self.inside, *map(str, words)],
                env={
                    **os.environ,
                    **({"LD_PRELOAD": str(registers)} if registers else {}),
                },
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _console(self, number: int) -> Path:
        return self._folder / f"console{number}"

    def _await(self, number: int) -> None:
        deadline = time.monotonic() + BOOT_S
        while self._ssh(number, "true", limit_s=20).returncode:
            last = self._console(number).read_text(errors="replace")[-3000:]
            assert time.monotonic() < deadline, f"host {number} does not boot:\n{last}"
            assert self._hosts[number - 1].poll() is None, last
            time.sleep(0.5)

    def _ssh(
        self, number: int, script: str, limit_s: float
    ) -> subprocess.CompletedProcess[str]:
        options = (
            *("-F", "none", "-i", str(self.key), "-o", "BatchMode=yes"),
            *(
                "-o",
                f"UserKnownHostsFile={self.known_hosts}",
                "-o",
                "ConnectTimeout=10",
            ),
        )
        words = (*self.inside, "timeout", str(limit_s), "ssh", *options)
        return subprocess.run(
            [*words, f"root@{self.address(number)}", script],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
