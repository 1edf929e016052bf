"""A link that is cut: held up for a while, or lost; never mistaken for a slow host."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from conftest import HostFor, Sshd

from provision.errors import ConnectionLost
from provision.lab.proxy import Proxy, proxy
from provision.shell import Frames
from provision.ssh import SshTransport

SILENCE_S = 3
BIG = b"{ : '%b'; echo done; exit\n}\n" % (b"x" * 900_000)
SMALL = b"{ sleep 1; echo done; exit\n}\n"


@pytest.fixture
def link(sshd: Sshd) -> Iterator[Proxy]:
    with proxy(sshd.port) as made:
        yield made


@pytest.fixture
def far(sshd: Sshd, link: Proxy, host_for: HostFor) -> Iterator[SshTransport]:
    """A transport that goes through *link*."""
    host = host_for(sshd, ansible_port=link.port)
    transport = SshTransport(host, silence_s=SILENCE_S)
    transport.open()
    yield transport
    transport.close()


Run = Callable[[bytes], str]


@pytest.fixture
def run(far: SshTransport) -> Run:
    def output(script: bytes) -> str:
        out, err = Frames("@end"), Frames("@end")
        far.run(script, become=False, limit_s=30, stdout=out, stderr=err)
        return out.unfinished()

    return output


@pytest.mark.parametrize("script", [SMALL, BIG], ids=["a look", "an upload"])
def test_a_short_cut_holds_a_script_up_and_no_more(
    script: bytes, link: Proxy, run: Run
) -> None:
    link.cut_at = link.sent + min(len(script) // 2, 300_000)
    threading.Timer(1, link.mend).start()
    assert "done" in run(script)


def test_a_long_cut_in_an_upload_is_a_lost_connection_not_a_slow_shell(
    link: Proxy, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provision.talk.START_LIMIT_S", 2.0)
    link.cut_at = link.sent + 300_000
    with pytest.raises(ConnectionLost):
        run(BIG)
