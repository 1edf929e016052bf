"""Files of an upload, received for real in each shell: whole, resumed, and refused."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from shells import EACH_SHELL

from provision.engine.host.scripts.receive import BLOCK_BYTES, receiving
from provision.errors import ApplyError
from provision.model.script import Script
from provision.model.shell import Reply
from provision.model.step import Upload
from provision.testing import FakeTransport

SIZES = {"empty": 0, "a b'c.whl": 10, "-n": BLOCK_BYTES, "large": 2 * BLOCK_BYTES + 7}


@pytest.fixture
def host(shell: tuple[str, ...], tmp_path: Path) -> FakeTransport:
    root = tmp_path / "host"
    root.mkdir()
    transport = FakeTransport(root, shell=shell)
    transport.open()
    return transport


@pytest.fixture
def upload(tmp_path: Path) -> Upload:
    files = {}
    for name, size in SIZES.items():
        files[name] = tmp_path / name
        files[name].write_bytes(os.urandom(size))
    return Upload(str(tmp_path / "host/it's here"), files)


def send(
    host: FakeTransport, upload: Upload, stopped: threading.Event | None = None
) -> tuple[Reply, int]:
    """Send *upload*; return the reply, and the number of bytes that were sent."""
    count = 0

    def counted(script: Script, source: Callable[[str], Iterable[bytes]]) -> int:
        def content(line: str) -> Iterable[bytes]:
            nonlocal count
            for block in source(line):
                count += len(block)
                yield block

        return host.stream(script, content)

    stop = stopped or threading.Event()
    files = receiving(upload)
    return files.send(counted, become=False, limit_s=60, stopped=stop), count


def is_there(upload: Upload) -> bool:
    return all(
        Path(upload.folder, name).read_bytes() == path.read_bytes()
        for name, path in upload.files.items()
    )


@EACH_SHELL
def test_all_files_come_in_one_script_and_once(
    host: FakeTransport, upload: Upload
) -> None:
    assert send(host, upload) == (Reply("", "", 0), sum(SIZES.values()))
    assert host.round_trips == 1
    assert is_there(upload)
    assert send(host, upload) == (Reply("", "", 0), 0)
    assert is_there(upload)


@EACH_SHELL
@pytest.mark.parametrize("there", [1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES])
def test_what_an_earlier_attempt_has_brought_is_not_sent_again(
    host: FakeTransport, upload: Upload, there: int
) -> None:
    send(host, upload)
    large = Path(upload.folder, "large")
    large.write_bytes((large.read_bytes() + b"x" * BLOCK_BYTES)[:there])
    _, sent = send(host, upload)
    assert is_there(upload)
    kept = there // BLOCK_BYTES * BLOCK_BYTES if there < SIZES["large"] else 0
    assert sent == SIZES["large"] - kept


@EACH_SHELL
def test_what_is_left_of_another_upload_is_replaced(
    host: FakeTransport, upload: Upload
) -> None:
    """The first differs in its size, and those behind it are larger than they are to be."""
    folder = Path(upload.folder)
    folder.mkdir()
    for name, size in SIZES.items():
        (folder / name).write_bytes(b"x" * (size + 100_000))
    _, sent = send(host, upload)
    assert is_there(upload)
    assert sent == sum(SIZES.values())


@EACH_SHELL
def test_an_attempt_that_was_cut_off_does_no_harm_when_it_ends_late(
    host: FakeTransport, upload: Upload, shell: tuple[str, ...], tmp_path: Path
) -> None:
    """Its host learns late that the link is cut; until then it waits for the rest of a file."""
    late = FakeTransport(tmp_path / "host", shell=shell)
    late.open()
    begun, cut = threading.Event(), threading.Event()

    def half(script: Script, source: Callable[[str], Iterable[bytes]]) -> int:
        def content(line: str) -> Iterable[bytes]:
            data = b"".join(source(line))
            yield data[: SIZES["a b'c.whl"] // 2]
            begun.set()
            cut.wait(60)

        return late.stream(script, content)

    def attempt() -> None:
        stop = threading.Event()
        receiving(upload).send(half, become=False, limit_s=60, stopped=stop)

    thread = threading.Thread(target=attempt)
    thread.start()
    assert begun.wait(60)
    reply, _ = send(host, upload)
    cut.set()
    thread.join()
    assert reply.exit == 0
    assert is_there(upload)


@EACH_SHELL
def test_a_full_disk_is_named(
    upload: Upload,
    shell: tuple[str, ...],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    small = f'mount -t tmpfs -o size=1m tmpfs {tmp_path}/host && exec "$@"'
    if subprocess.run(
        ["unshare", "--mount", "true"], capture_output=True, check=False
    ).returncode:
        pytest.skip("needs a mount namespace")
    (tmp_path / "host").mkdir()
    host = FakeTransport(
        tmp_path / "host", shell=("unshare", "--mount", "sh", "-c", small, "sh", *shell)
    )
    host.open()
    reply, _ = send(host, upload)
    assert reply.exit == 1
    assert "No space left on device" in capfd.readouterr().err + reply.stderr


@pytest.mark.parametrize(("code", "late"), [(124, True), (137, True), (1, False)])
def test_one_that_had_its_time_has_timed_out(
    upload: Upload, code: int, late: bool
) -> None:
    stop, ended = threading.Event(), lambda script, source: code
    reply = receiving(upload).send(ended, become=False, limit_s=60, stopped=stop)
    assert reply.timed_out is late


@EACH_SHELL
def test_a_file_that_is_shorter_than_it_was_is_an_error(
    host: FakeTransport, upload: Upload, capfd: pytest.CaptureFixture[str]
) -> None:
    files = receiving(upload)
    upload.files["large"].write_bytes(b"short")
    reply = files.send(host.stream, become=False, limit_s=60, stopped=threading.Event())
    assert reply.exit == 1
    assert f"large has 5 bytes of {SIZES['large']}" in capfd.readouterr().err


@EACH_SHELL
def test_an_interrupted_run_sends_no_more(host: FakeTransport, upload: Upload) -> None:
    stopped = threading.Event()
    stopped.set()
    reply, sent = send(host, upload, stopped)
    assert (reply.exit, sent) == (1, 0)


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    gone = tmp_path / "gone.whl"
    with pytest.raises(ApplyError, match=r"gone\.whl cannot be read here"):
        receiving(Upload("/opt/x", {"gone.whl": gone}))
