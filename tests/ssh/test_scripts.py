"""Scripts over a real sshd: output, exit codes, limits, sizes, several at once."""

from __future__ import annotations

import resource
import threading
import time
from pathlib import Path

import pytest
from conftest import HostFor, Start

from provision.errors import ApplyError, ConnectError
from provision.model.framing import Task, encode, new_mark, run_tasks
from provision.model.script import Script
from provision.model.shell import TIMED_OUT, Sh
from provision.transport.ssh import SshTransport

LIMIT_S = 30


class Count:
    """A sink that counts the bytes it drops."""

    def __init__(self) -> None:
        self.size = 0

    def __call__(self, data: bytes) -> None:
        self.size += len(data)


def run(
    transport: SshTransport, text: str, limit_s: float = LIMIT_S
) -> tuple[int, str, str]:
    out, err = bytearray(), bytearray()
    script = Script(text, limit_s=limit_s, stdout=out.extend, stderr=err.extend)
    code = transport.run(script)
    return code, out.decode(), err.decode()


def test_a_script_returns_its_output_its_errors_and_its_exit_code(
    transport: SshTransport,
) -> None:
    assert run(transport, "echo out; echo err >&2; exit 7") == (7, "out\n", "err\n")


def test_each_fragment_has_its_own_reply(transport: SshTransport) -> None:
    fragments = [Sh.of("echo one"), Sh.of("echo two >&2; exit 3"), Sh.of("cat")]
    tasks = [Task(fragment) for fragment in fragments]
    got = run_tasks(transport.run, tasks, limit_s=LIMIT_S)
    wanted = [("one\n", "", 0), ("", "two\n", 3), ("", "", 0)]
    assert [(reply.stdout, reply.stderr, reply.exit) for reply in got] == wanted


def test_a_script_that_reaches_its_time_limit_ends_with_124(
    transport: SshTransport,
) -> None:
    started = time.monotonic()
    code, out, _ = run(transport, "echo begun; sleep 60; echo never", limit_s=1)
    assert (code, out) == (124, "begun\n")
    assert time.monotonic() - started < 5


def test_a_script_that_ignores_its_time_limit_is_killed(
    transport: SshTransport,
) -> None:
    code, _, _ = run(transport, "trap '' TERM; while :; do sleep 1; done", limit_s=1)
    assert code == 137


def test_the_processes_a_script_started_end_with_its_limit(
    transport: SshTransport,
) -> None:
    run(transport, "sleep 4711 & sleep 60", limit_s=1)
    assert run(transport, "pgrep -f '^sleep 471[1]'")[1] == ""


def test_children_that_ignore_the_limit_are_killed_too(transport: SshTransport) -> None:
    stubborn = "sh -c \"trap '' TERM; sleep 4713 & sleep 4714; sleep 4715\""
    script = encode([Task(Sh(stubborn), strict=True)], new_mark())
    started = time.monotonic()
    assert run(transport, script, limit_s=1)[0] in TIMED_OUT
    assert time.monotonic() - started < 12
    assert run(transport, "pgrep -f '^sleep 471[345]'")[1] == ""


def test_a_change_removes_its_temporary_files_at_its_time_limit(
    transport: SshTransport, tmp_path: Path
) -> None:
    draft = tmp_path / "draft"
    change = Sh(
        'trap \'rm "$draft"\' EXIT; : >"$draft"; sleep 60', (), {"draft": str(draft)}
    )
    script = encode([Task(change, strict=True)], new_mark())
    assert run(transport, script, limit_s=1)[0] in TIMED_OUT
    assert not draft.exists()


def test_a_daemon_that_keeps_the_output_open_does_not_delay_the_script(
    transport: SshTransport,
) -> None:
    started = time.monotonic()
    code, out, _ = run(transport, "setsid sleep 20 & echo done")
    assert (code, out) == (0, "done\n")
    assert time.monotonic() - started < 5


def test_a_process_in_its_own_session_outlives_its_script(
    transport: SshTransport,
) -> None:
    run(transport, "setsid sleep 4712 >/dev/null 2>&1 &")
    time.sleep(0.2)
    assert run(transport, "pkill -f '^sleep 471[2]'")[0] == 0


def test_a_hundred_megabytes_of_output_arrive_in_bounded_memory(
    transport: SshTransport,
) -> None:
    out, err = Count(), Count()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    text = "head -c 100000000 /dev/zero; head -c 20000000 /dev/zero >&2"
    code = transport.run(Script(text, limit_s=120, stdout=out, stderr=err))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert (code, out.size, err.size) == (0, 100_000_000, 20_000_000)
    assert after - before < 30_000


def test_a_script_of_five_megabytes_arrives(transport: SshTransport) -> None:
    body = "\n".join(f": {'x' * 1000}{number}" for number in range(5000))
    code, out, _ = run(transport, f"{{\n{body}\necho all\n}}\n")
    assert (code, out) == (0, "all\n")


def test_a_big_script_that_prints_while_it_is_still_being_sent_does_not_stall(
    transport: SshTransport,
) -> None:
    line = f"echo {'y' * 1000}"
    out = Count()
    text = "\n".join([line] * 5000)
    # Unlike framed scripts, this one would run line by line.
    with transport.hold(Script("echo ok\n")):
        code = transport.run(Script(text, limit_s=60, stdout=out))
    assert (code, out.size) == (0, 5000 * 1001)


def test_a_syntax_error_in_a_script_is_reported(transport: SshTransport) -> None:
    code, _, err = run(transport, "if true; then echo")
    assert code == 2
    assert "yntax" in err or "nexpected" in err


def test_two_threads_share_a_connection(transport: SshTransport) -> None:
    got: dict[int, str] = {}

    def work(number: int) -> None:
        got[number] = run(transport, f"sleep 0.2; echo {number}")[1]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == {number: f"{number}\n" for number in range(6)}


def test_a_script_that_has_had_its_time_is_ended_with_what_it_started(
    transport: SshTransport,
) -> None:
    started = time.monotonic()
    text = "echo begun; sleep 4716 & sleep 4716"
    out = bytearray()
    script = Script(
        text,
        limit_s=600,
        heartbeat=True,
        stdout=out.extend,
        overdue=lambda: time.monotonic() - started > 1,
    )
    assert transport.run(script) in TIMED_OUT
    assert out == b"begun\n"
    assert time.monotonic() - started < 12
    assert run(transport, "pgrep -f '^sleep 471[6]'")[1] == ""


@pytest.mark.parametrize("most", [1, 2])
def test_where_sshd_allows_few_sessions_scripts_wait_for_each_other(
    start: Start, host_for: HostFor, most: int
) -> None:
    server = start(f"MaxSessions {most}")
    transport = SshTransport(host_for(server))
    transport.open()
    got: list[str] = []

    def work(number: int) -> None:
        got.extend(run(transport, f"echo {number}")[1] for _ in range(5))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    transport.close()
    assert sorted(got) == sorted(f"{number}\n" for number in range(3) for _ in range(5))


def test_where_sshd_allows_one_session_data_waits_for_its_turn(
    start: Start, host_for: HostFor
) -> None:
    transport = SshTransport(host_for(start("MaxSessions 1")))
    transport.open()
    got: list[str] = []

    def send() -> None:
        out = bytearray()
        script = Script(
            "{ echo ready; cat; exit; }\n", stdout=out.extend, stderr=out.extend
        )
        transport.stream(script, lambda line: [b"data"])
        got.append(out.decode())

    def work() -> None:
        got.append(run(transport, "echo ready; printf data")[1])

    threads = [threading.Thread(target=one) for one in (send, work) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    transport.close()
    assert len(got) == len(threads)
    assert all(text.endswith("data") for text in got), got


def test_one_that_no_other_stands_in_the_way_of_is_an_error(
    start: Start, host_for: HostFor
) -> None:
    transport = SshTransport(host_for(start("MaxSessions 0")))
    transport.open()
    with pytest.raises(ConnectError, match="sshd refuses another session") as caught:
        run(transport, "true")
    transport.close()
    assert "MaxSessions" in caught.value.hint


def test_many_scripts_in_a_row_leave_no_process_and_no_thread_behind(
    transport: SshTransport,
) -> None:
    before = {*threading.enumerate()}
    for _ in range(20):
        assert run(transport, "true")[0] == 0
    # Threads of an earlier test may have ended since.
    assert {*threading.enumerate()} <= before


def test_a_held_script_returns_its_first_line_and_ends_with_the_context(
    transport: SshTransport,
) -> None:
    with transport.hold(Script("{ echo mine; cat >/dev/null; exit\n}\n")) as held:
        assert held.line == "mine"
        assert held.alive()
        assert run(transport, "echo meanwhile")[1] == "meanwhile\n"


def test_a_held_lock_is_released_when_the_context_ends(
    transport: SshTransport, tmp_path: object
) -> None:
    text = f"{{ exec 9>>{tmp_path}/lock; flock -n 9 && echo mine || echo held\n"
    script = Script(text + "cat >/dev/null; exit\n}\n")
    with transport.hold(script) as first, transport.hold(script) as second:
        assert (first.line, second.line) == ("mine", "held")
    with transport.hold(script) as third:
        assert third.line == "mine"


def test_a_held_script_that_ends_at_once_is_an_error_with_its_output(
    transport: SshTransport,
) -> None:
    held = transport.hold(Script("echo no flock here >&2; exit 3\n"))
    with pytest.raises(ApplyError) as caught, held:
        pass
    assert "exit code 3" in caught.value.message
    assert caught.value.details == ("no flock here",)
