"""The scripts of a measurement as steps, so that a run carries them to hosts."""

from __future__ import annotations

from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.ray.doctor.bandwidth.programs import (
    PERL_RECEIVER,
    PERL_SENDER,
    PYTHON_RECEIVER,
    PYTHON_SENDER,
)
from provision.ray.doctor.pairs.steps import LISTEN, Asked

SEND = read_shell(__file__, "send.sh")
TRANSFER_S = 1
TRANSFER_BYTES = 4 << 30
"""Longest and largest transfer; the larger the limit of bytes, the faster a network it measures."""


class Receive(Asked, kind="receive"):
    """A program that takes in what other hosts send, for a while."""

    title_format = "receive from the other hosts"
    ports: tuple[int, ...]
    limit_s: int

    def probe(self) -> Sh:
        return Sh.of(
            LISTEN,
            *self.ports,
            perl_program=PERL_RECEIVER,
            python_program=PYTHON_RECEIVER,
            limit_s=self.limit_s,
        )


class SendTo(Asked, kind="send_to"):
    """A transfer to another host."""

    title_format = "send to another host"
    address: str
    port: int

    def probe(self) -> Sh:
        return Sh.of(
            SEND,
            perl_program=PERL_SENDER,
            python_program=PYTHON_SENDER,
            address=self.address,
            port=self.port,
            limit_s=TRANSFER_S,
            limit_bytes=TRANSFER_BYTES,
        )
