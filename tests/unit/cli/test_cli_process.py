"""The command line as a process: signals, a terminal, a reader that goes away."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys

import pytest
from place import MAIN, WHERE, Place


def test_ctrl_c_ends_with_130_a_summary_and_a_report(here: Place) -> None:
    words = ("deploy", "-i", "inv.yml", "-p", "hangs", "-v", "--report", "report.json")
    running = subprocess.Popen(
        [sys.executable, "-u", "-c", MAIN, *words],
        cwd=here.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert running.stdout
    while "waiting for" not in (line := running.stdout.readline()):
        assert line, "it ended by itself"
    os.killpg(running.pid, signal.SIGINT)
    output, _ = running.communicate(timeout=20)
    assert running.returncode == 130, output
    assert "interrupted after" in output
    report = json.loads((here.folder / "report.json").read_text())
    assert (report["interrupted"], report["exit_code"]) == (True, 130)


def on_a_terminal(here: Place, *words: str, answer: str) -> tuple[int, str]:
    """Run `provision WORDS` on a terminal, and answer its question."""
    controller, terminal = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-c", MAIN, *words],
        cwd=here.folder,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(terminal)
    output = b""
    with contextlib.suppress(OSError):  # Linux: the other end was closed
        while chunk := os.read(controller, 4096):
            output += chunk
            if answer and b"Type yes" in output:
                os.write(controller, f"{answer}\n".encode())
                answer = ""
    os.close(controller)
    return running.wait(20), output.decode()


@pytest.mark.parametrize(("answer", "code"), [("no", 130), ("yes", 0)])
def test_teardown_asks_on_a_terminal(here: Place, answer: str, code: int) -> None:
    assert here("deploy", *WHERE)[0] == 0
    ended, output = on_a_terminal(here, "teardown", answer=answer)
    assert ended == code, output
    assert ("nothing was removed" in output) == (answer == "no")
    assert here.note("one").exists() == (answer == "no")


def test_a_run_goes_on_when_nobody_reads_it_any_more(here: Place) -> None:
    running = subprocess.Popen(
        [sys.executable, "-c", MAIN, "deploy", *WHERE, "-v"],
        cwd=here.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stdout and running.stderr
    running.stdout.close()
    with running.stderr as errors:
        assert errors.read() == b""
    assert running.wait(20) == 0
    assert here.note("two").exists()


def test_nothing_slow_is_imported_to_list_the_commands() -> None:
    slow = "{'pydantic', 'rich', 'jinja2', 'paramiko', 'fabric', 'tenacity'}"
    code = f"import provision.cli, sys; print({slow} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(("asked", "kept"), [("", "False"), ("1", "True")])
def test_what_python_compiled_is_kept_though_invoke_forbids_it(
    asked: str, kept: str
) -> None:
    program = (
        "import sys; sys.dont_write_bytecode = True; import provision.cli; "
        "print(sys.dont_write_bytecode)"
    )
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": asked}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == kept


@pytest.mark.parametrize("words", [["--help"], ["deploy", "--help"], ["schema"]])
@pytest.mark.parametrize("options", [[], ["-u"]])
def test_output_that_nobody_reads_is_no_traceback(
    words: list[str], options: list[str]
) -> None:
    code, errors = unread([sys.executable, *options, "-c", MAIN, *words])
    assert (code, errors) == (0, b"")


@pytest.mark.parametrize("words", [["--list"], ["deploy", "--help"]])
def test_nor_is_that_of_invoke_itself(here: Place, words: list[str]) -> None:
    tasks = "from provision import cli\nnamespace = cli.namespace()\n"
    (here.folder / "tasks.py").write_text(tasks)
    program = [sys.executable, "-u", "-m", "invoke", "--search-root", str(here.folder)]
    assert unread([*program, *words])[1] == b""


def unread(argv: list[str]) -> tuple[int, bytes]:
    """Run *argv*, whose output nobody reads; return its exit code and its errors."""
    reader, writer = os.pipe()
    os.close(reader)
    running = subprocess.run(argv, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    return running.returncode, running.stderr
