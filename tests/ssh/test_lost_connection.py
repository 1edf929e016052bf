"""A network link that is cut: for a moment, or until the connection is lost."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import HostFor, Sshd, sudoers
from support.tcp_proxy import Proxy, proxy

from provision.engine.host.connection import SCRIPT_END_WAIT_S
from provision.errors import ConnectionLost
from provision.model.framing import Task, run_tasks
from provision.model.script import Script
from provision.model.shell import Sh
from provision.transport.ssh import SshTransport

SILENCE_S = 3
BIG = f"{{ : '{'x' * 900_000}'; echo done; exit\n}}\n"
SMALL = "{ sleep 1; echo done; exit\n}\n"


@pytest.fixture
def link(sshd: Sshd) -> Iterator[Proxy]:
    with proxy(sshd.port) as made:
        yield made


@pytest.fixture
def transport(sshd: Sshd, link: Proxy, host_for: HostFor) -> Iterator[SshTransport]:
    """A transport that goes through *link*."""
    host = host_for(sshd, ansible_port=link.port)
    transport = SshTransport(host, silence_s=SILENCE_S)
    transport.open()
    yield transport
    transport.close()


DRAFT = r"""
trap 'rm -f "$draft"' EXIT
: >"$draft"
if ! sh -c 'sleep 20' >&2; then
    echo refused >&2
    exit 1
fi
"""


def test_a_change_removes_its_temporary_files_when_its_connection_ends(
    sshd: Sshd, host_for: HostFor, login_user: str, tmp_path: Path
) -> None:
    sudoers("ALL=(ALL) NOPASSWD: ALL")
    draft = tmp_path / "draft"
    change = Sh(DRAFT, params={"draft": str(draft)})
    transport = SshTransport(host_for(sshd, ansible_user=login_user))
    transport.open()

    def run() -> None:
        tasks = [Task(change, strict=True)]
        with contextlib.suppress(ConnectionLost):
            run_tasks(transport.run, tasks, become=True, limit_s=60)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(draft.exists)
    transport.close()
    thread.join()
    wait_until(lambda: not draft.exists())


def wait_until(true: Callable[[], bool], limit_s: float = 8) -> None:
    deadline = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


Run = Callable[[str], str]


@pytest.fixture
def run(transport: SshTransport) -> Run:
    def output(text: str) -> str:
        out = bytearray()
        transport.run(Script(text, limit_s=30, stdout=out.extend))
        return out.decode()

    return output


@pytest.mark.parametrize("script", [SMALL, BIG], ids=["a probe", "an upload"])
def test_a_short_cut_only_delays_a_script(script: str, link: Proxy, run: Run) -> None:
    link.cut_at = link.sent + min(len(script) // 2, 300_000)
    threading.Timer(1, link.mend).start()
    assert "done" in run(script)


def test_a_long_cut_during_an_upload_is_reported_as_a_lost_connection(
    link: Proxy, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "provision.transport.remote_shell.conversation.START_LIMIT_S", 2.0
    )
    link.cut_at = link.sent + 300_000
    with pytest.raises(ConnectionLost):
        run(BIG)


@pytest.mark.parametrize("after", [1000, 1500, 2000])
def test_a_cut_that_is_as_long_as_a_shell_may_take_to_start_is_not_blamed_on_it(
    link: Proxy, run: Run, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    monkeypatch.setattr(
        "provision.transport.remote_shell.conversation.START_LIMIT_S", 2.0
    )
    link.cut_at = link.sent + after
    threading.Timer(2.5, link.mend).start()
    assert "done" in run(SMALL)


TICK = r"""
number=0
while [ "$number" -lt "$seconds" ]; do
    number=$((number + 1))
    echo tick >>"$file"
    sleep 1
done
"""


def ticking(transport: SshTransport, file: Path, seconds: int) -> int | None:
    """Run a change that writes a line each second."""
    change = Sh(TICK, params={"file": str(file), "seconds": str(seconds)})
    [reply] = run_tasks(transport.run, [Task(change, strict=True)], limit_s=60)
    return reply.exit


@pytest.mark.slow
def test_a_change_whose_link_was_cut_ends_before_the_next_attempt(
    sshd: Sshd, link: Proxy, host_for: HostFor, tmp_path: Path
) -> None:
    transport = SshTransport(host_for(sshd, ansible_port=link.port), silence_s=30)
    transport.open()
    ticks = tmp_path / "ticks"
    failed: list[ConnectionLost] = []

    def change() -> None:
        try:
            ticking(transport, ticks, 50)
        except ConnectionLost as error:
            failed.append(error)

    thread = threading.Thread(target=change)
    thread.start()
    wait_until(ticks.exists)
    time.sleep(6)  # so that a heartbeat has arrived
    link.strand()
    thread.join()
    assert failed[0].silent
    time.sleep(SCRIPT_END_WAIT_S)
    before = ticks.read_text()
    time.sleep(3)
    assert ticks.read_text() == before
    transport.close()


@pytest.mark.slow
def test_heartbeats_keep_a_long_change_running(
    sshd: Sshd, host_for: HostFor, tmp_path: Path
) -> None:
    transport = SshTransport(host_for(sshd))
    transport.open()
    assert ticking(transport, tmp_path / "ticks", 27) == 0
    assert len((tmp_path / "ticks").read_text().split()) == 27
    transport.close()
