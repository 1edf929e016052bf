"""A fault that is planted on a host of the lab, and the ways of planting one.

What cannot be made so here (a clock of its own,
another kernel) is a program of that name that comes first in PATH; its row says stand-in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BIN = "/usr/local/sbin"
"""Comes first in the PATH that sudo sets."""


@dataclass(frozen=True)
class Fault:
    """A fault on one host.

    Attributes:
        what: for a person.
        id: of the finding.
        host: on which it is found.
        plant: shell that root of the host runs; "" = nothing.
        cure: shell that takes it back.
        vars: variables of the host in the inventory.
        also: other findings, `host id`, that follow from it.
        said: words in what doctor saw.
    """

    what: str
    id: str
    host: str
    plant: str = ""
    cure: str = ""
    vars: Mapping[str, Any] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    said: str = ""

    @property
    def expected(self) -> set[str]:
        """The findings, as `host id`; none of what is only there for another fault."""
        return {f"{self.host} {self.id}", *self.also} if self.id else set()


def stub(name: str, text: str) -> dict[str, Any]:
    """Shell that puts a program before the real one, and takes it away."""
    at = f"{BIN}/{name}"
    return {
        "plant": f"printf '#!/bin/sh\\n%s\\n' '{text}' >{at}; chmod 755 {at}",
        "cure": f"rm -f {at}",
    }


def driver(text: str) -> dict[str, Any]:
    """Shell that makes a host look as if it had NVIDIA's driver, with this nvidia-smi."""
    smi = stub("nvidia-smi", text)
    return {
        "plant": f"touch /dev/nvidiactl; {smi['plant']}",
        "cure": f"rm -f /dev/nvidiactl; {smi['cure']}",
    }


def moved(path: str) -> dict[str, Any]:
    """Shell that moves a file away, and back."""
    return {
        "plant": f"mv {path} {path}.away",
        "cure": f"[ ! -e {path}.away ] || mv {path}.away {path}",
    }


def replaced(path: str, command: str) -> dict[str, Any]:
    """Shell that changes the content of a file by a command, and puts it back."""
    return {
        "plant": f"cp -p {path} /root/kept; {command}",
        "cure": f"[ ! -e /root/kept ] || {{ cat /root/kept >{path}; rm /root/kept; }}",
    }


def mounted(path: str, options: str) -> dict[str, Any]:
    """Shell that mounts a small file system, and takes it away."""
    return {
        "plant": f"mkdir -p {path}; mount -t tmpfs -o {options} planted {path}",
        "cure": f"umount {path}; rmdir {path}; true",
    }


LISTENER = (
    "use Socket; socket(S, AF_INET, SOCK_STREAM, 0); setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1);"
    " bind(S, pack_sockaddr_in(6380, INADDR_ANY)) or die; listen(S, 5); sleep 300"
)
LOCK = (
    'use Fcntl; open my $f, "+>>", "/var/lib/dpkg/lock-frontend" or die; my $l = '
    'pack "s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0; fcntl $f, F_SETLK, $l or die; sleep 300'
)


def background(perl: str) -> dict[str, Any]:
    """Shell that runs a program of perl, and ends it."""
    return {
        "plant": f"setsid perl -e '{perl}' </dev/null >/dev/null 2>&1 & echo $! >/root/pid; sleep 1",
        "cure": "[ ! -e /root/pid ] || { kill $(cat /root/pid); rm /root/pid; }; true",
    }


def named(host: str, address: str) -> Fault:
    """Return what makes `deep-two` the name of an address on one host."""
    name = {"address": "deep-two"} if host == "node2" else {}
    kept = "grep -v deep-two /etc/hosts >/root/h; cat /root/h >/etc/hosts; rm /root/h"
    plant = f"echo {address} deep-two >>/etc/hosts"
    return Fault("", "", host, plant, kept, name)
