"""A host for tests: scripts run in a shell of this machine, or are answered from a table."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from provision.errors import ConnectError, ConnectionLost, HostError
from provision.model.script import Script
from provision.model.shell import Reply
from provision.transport.protocol import HeldScript, Source

Answer = Callable[[str], Reply]
"""Takes a fragment as it is sent, its parameters first, and returns the reply to it."""
LIMIT_S = 60.0
"""Seconds that a script may take which has no limit of its own."""
FRAGMENT = re.compile(
    r"^\(\nset -e?u\n(.*?)\n\) </dev/null\ns=\$\?; printf '\\n(@\w+) ",
    re.MULTILINE | re.DOTALL,
)
PROOF = "batch_seen=$("
"""Text behind the first change in a script that makes several."""
PASSED_OVER = re.compile(
    r'^while \[ "\$batch_at" -lt (\d+) \]; do\nprintf \'\\n(@\w+) .*?^done$',
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """An *error* in place of a reply; where the script *ran*, only its reply is lost."""

    error: HostError
    ran: bool = False


class FakeTransport:
    """Implements `provision.transport.protocol.Transport` without a host.

    Not a jail: a script can do to this machine whatever its user can. Give steps paths
    below *root*.

    Args:
        root: the home and working folder of scripts; programs in its `bin` are found
            before those of this machine.
        shell: the words that start the shell.
        env: the environment of scripts; by default that of this process.
        answers: replies in place of a shell, by the text of the fragment (the first text
            that the fragment ends with, so the text "" answers all others); or a function.
        latency_s: seconds that connecting, and each round trip, take.

    Attributes:
        scripts: what was sent, one script for each round trip.
        opened: how often a connection was tried.
    """

    quantum_safe = True

    def __init__(
        self,
        root: Path | None = None,
        *,
        shell: Sequence[str] = ("sh",),
        env: Mapping[str, str] | None = None,
        answers: Mapping[str, Reply] | Answer | None = None,
        latency_s: float = 0,
    ) -> None:
        self.scripts: list[Script] = []
        self.opened = 0
        self._root = root
        self._shell = shell
        self._env = env
        self._answers = bool(answers)
        self._do = partial(_answer, _function(answers)) if answers else self._execute
        self._latency_s = latency_s
        self._lock = threading.Lock()
        self._open = False
        self._refusals: list[ConnectError] = []
        self._faults: dict[int | None, Fault] = {}

    @property
    def round_trips(self) -> int:
        """Number of scripts that were sent."""
        return len(self.scripts)

    def refuse(self, *errors: ConnectError) -> None:
        """Let the next attempts to connect fail with *errors*, one each."""
        self._refusals += errors

    def fail(
        self, error: HostError, *, at: int | None = None, ran: bool = False
    ) -> None:
        """Raise *error* in place of a reply.

        Args:
            error: such as `ConnectionLost("cut")`.
            at: the number of the round trip, from 1; None = all that have no other.
            ran: the script still runs, and only its reply is lost.
        """
        self._faults[at] = Fault(error, ran)

    def open(self) -> None:
        """Connect; see `Transport.open`."""
        time.sleep(self._latency_s)
        self.opened += 1
        if self._refusals:
            raise self._refusals.pop(0)
        self._open = True

    def close(self) -> None:
        """Disconnect: later scripts are refused."""
        self._open = False

    def run(self, script: Script) -> int:
        """Run *script* or answer it; see `Transport.run`. Its output comes as a whole."""
        return self._round_trip(script, self._do)

    def stream(self, script: Script, source: Source) -> int:
        """Run *script* and send it data, or answer it; see `Transport.stream`."""
        return self._round_trip(
            script, self._do if self._answers else partial(self._feed, source=source)
        )

    def _round_trip(self, script: Script, do: Callable[[Script], int]) -> int:
        if not self._open:
            raise ConnectionLost("the connection is closed")
        with self._lock:
            self.scripts.append(script)
            fault = self._faults.get(self.round_trips) or self._faults.get(None)
        time.sleep(self._latency_s)
        if fault and not fault.ran:
            raise fault.error
        code = do(script)
        if fault:
            raise fault.error
        return code

    @contextlib.contextmanager
    def hold(self, script: Script) -> Iterator[HeldScript]:
        """Answer as a host does whose lock is free; nothing is run."""
        yield HeldScript("mine", lambda: self._open)

    def _execute(self, script: Script) -> int:
        # Stand-ins are for what scripts call, and not for what runs them.
        timeout, shell = _located("timeout"), _located(self._shell[0])
        limit = f"{script.limit_s or LIMIT_S:g}"
        done = subprocess.run(
            [timeout, limit, shell, *self._shell[1:], "-s"],
            input=script.encoded,
            capture_output=True,
            check=False,
            cwd=self._root,
            env=self._variables(),
        )
        script.stdout(done.stdout)
        script.stderr(done.stderr)
        return done.returncode

    def _feed(self, script: Script, source: Source) -> int:
        with subprocess.Popen(
            [_located(self._shell[0]), *self._shell[1:], "-c", script.text],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self._root,
            env=self._variables(),
        ) as shell:
            if not (shell.stdin and shell.stdout):
                raise ValueError("both were to be pipes")
            line = shell.stdout.readline().decode().rstrip("\n")
            with contextlib.suppress(BrokenPipeError):
                shell.stdin.writelines(source(line))
                shell.stdin.close()
            script.stdout(shell.stdout.read())
        return shell.returncode

    def _variables(self) -> dict[str, str]:
        env = dict(os.environ if self._env is None else self._env)
        if self._root:
            env |= {"HOME": str(self._root), "TMPDIR": str(self._root)}
            env["PATH"] = f"{self._root}/bin:{env.get('PATH', os.defpath)}"
        return env


def _located(program: str) -> str:
    """Return the path of *program* on this machine.

    Raises:
        FileNotFoundError: it is not installed.
    """
    if path := shutil.which(program):
        return path
    raise FileNotFoundError(f"{program} is not installed on this machine")


def _answer(answer: Answer, script: Script) -> int:
    """Give to each fragment of *script* the reply that *answer* has for it.

    Of several changes in one script only the first is made, as on a host that finds the
    next step otherwise than it was planned from.
    """
    end = PASSED_OVER.search(script.text)
    if end is None:
        _reply(answer, script, script.text)
        return 0
    changes, probes = script.text[: end.start()], script.text[end.end() :]
    done = _reply(answer, script, changes.partition(PROOF)[0])
    for sink in (script.stdout, script.stderr):
        sink(f"\n{end[2]} -\n".encode() * (int(end[1]) - done))
    _reply(answer, script, probes)
    return 0


def _reply(answer: Answer, script: Script, text: str) -> int:
    """Answer the fragments of *text*, a part of *script*; return their number."""
    found = FRAGMENT.findall(text)
    for fragment, mark in found:
        # A guard before it looks alike, and has no mark of its own.
        reply = answer(fragment.rpartition("\n(\nset -u\n")[2])
        script.stdout(f"{reply.stdout}\n{mark} {reply.exit}\n".encode())
        script.stderr(f"{reply.stderr}\n{mark} {reply.exit}\n".encode())
    return len(found)


def _function(answers: Mapping[str, Reply] | Answer) -> Answer:
    """Return *answers* as a function of the fragment."""
    if not isinstance(answers, Mapping):
        return answers
    table = answers

    def answer(fragment: str) -> Reply:
        for text, reply in table.items():
            if fragment.endswith(text.strip("\n")):
                return reply
        raise AssertionError(f"the table has no answer to this fragment:\n{fragment}")

    return answer
