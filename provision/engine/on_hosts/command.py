"""A command of a person on many hosts: output as bytes, and the exact exit codes."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from provision.config.inventory import Host
from provision.engine.each_host import Results, on_each
from provision.errors import HostError, OptionError
from provision.model.script import Script, Sink
from provision.model.shell import TIMED_OUT, Sh
from provision.model.shell_file import read_shell
from provision.transport.protocol import Transport

INSIDE = read_shell(__file__, "inside.sh")
REFUSED = 96
KEEP_BYTES = 16 * 2**20
"""Output kept of a host when several are asked: what comes after it is dropped."""
ENVIRONMENT = (
    'unset LC_ALL SUDO_PROMPT; export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"'
)
"""Root's tools in PATH, and the language that the host has."""


@dataclass(frozen=True, slots=True)
class Output:
    """The output of a command on one host, and its exit code.

    Attributes:
        exit: the command's own exit code.
        stdout: its standard output; "" if it went to a sink.
        stderr: its standard error; "" if it went to a sink.
        dropped: number of bytes that are not kept, of both.
    """

    exit: int
    stdout: bytes = b""
    stderr: bytes = b""
    dropped: int = 0

    @property
    def is_text(self) -> bool:
        """True if both outputs are text that can be shown."""
        try:
            return "\0" not in (self.stdout + self.stderr).decode()
        except UnicodeDecodeError:
            return False


@dataclass(frozen=True, slots=True)
class Command:
    """A command to run.

    Attributes:
        words: one word is a line for `sh`; several are a program and its arguments.
        container: run it in this container of the host; "" = on the host itself.
        become: run it as root, if the inventory allows it.
        limit_s: seconds after which it is killed; 0 = never.
        hint: what to do where the container does not run, or the runner is missing.
        runner: run it by this script of the host, which gets it as its words; "" = none.
    """

    words: Sequence[str]
    container: str = ""
    become: bool = True
    limit_s: float = 0
    hint: str = ""
    runner: str = ""

    def __post_init__(self) -> None:
        if not self.words:
            raise OptionError(
                "there is no command", hint="write it after `--`: exec -- uptime"
            )
        if any("\0" in word for word in self.words):
            raise OptionError("a command must not contain a NUL character")

    @property
    def argv(self) -> list[str]:
        """The program and its arguments."""
        return [*self.words] if len(self.words) > 1 else ["sh", "-c", self.words[0]]

    def script(self, host: Host, mark: str) -> Script:
        """Return the script that runs it on *host*."""
        inside = {"container": self.container, "runner": self.runner}
        sh = Sh.of(INSIDE, *self.argv, **inside, mark=mark)
        text = f"{{\n{ENVIRONMENT}\n(\n{sh.render()}\n) </dev/null\nexit\n}}\n"
        become = self.become and host.become
        return Script(text, become=become, limit_s=self.limit_s)


@dataclass
class _Kept:
    """A sink that keeps the beginning of a stream."""

    data: bytearray = field(default_factory=bytearray)
    dropped: int = 0

    def __call__(self, data: bytes) -> None:
        room = max(0, KEEP_BYTES - len(self.data))
        self.data += data[:room]
        self.dropped += len(data) - len(data[:room])


class _WithoutMark:
    """Passes standard error on, without the line in which our own shell says why not."""

    def __init__(self, mark: str, sink: Sink) -> None:
        self._mark, self._sink = mark.encode(), sink
        self._held = bytearray()
        self.reason = ""

    def __call__(self, data: bytes) -> None:
        if self.reason:
            return
        self._held += data
        if self._held.startswith(self._mark):
            line, end, _ = bytes(self._held).partition(b"\n")
            if end:
                self.reason = line[len(self._mark) :].decode(errors="replace").strip()
        elif not self._mark.startswith(bytes(self._held)):
            self.flush()

    def flush(self) -> None:
        """Pass on what is held back."""
        if self._held and not self.reason:
            self._sink(bytes(self._held))
            self._held.clear()


def run_on(
    host: Host,
    connection: Transport,
    command: Command,
    stdout: Sink | None = None,
    stderr: Sink | None = None,
) -> Output:
    """Run *command* on *host*; its output goes to the sinks as it comes, or is returned.

    Raises:
        HostError: there is no such container, or it does not run; or no such runner.
        StepTimeoutError: never; a command that was killed has the exit code 124 or 137.
    """
    mark = f"@{secrets.token_hex(8)}"
    out, err = _Kept(), _Kept()
    errors = _WithoutMark(mark, stderr or err)
    script = replace(command.script(host, mark), stdout=stdout or out, stderr=errors)
    code = connection.run(script)
    errors.flush()
    if errors.reason:
        raise HostError(f"{host.name}: {errors.reason}", hint=command.hint)
    return Output(code, bytes(out.data), bytes(err.data), out.dropped + err.dropped)


def execute(
    hosts: Sequence[Host],
    command: Command,
    *,
    forks: int,
    done: Callable[[str, Output | HostError], object] = lambda host, result: None,
) -> Results[Output]:
    """Run *command* on all *hosts* at once."""
    return on_each(
        hosts,
        lambda host, connection: run_on(host, connection, command),
        forks=forks,
        done=done,
    )


def timed_out(code: int, command: Command) -> bool:
    """Tell whether *code* is that of a command that its limit has ended."""
    return bool(command.limit_s) and code in TIMED_OUT


def exit_code(results: Results[Output]) -> int:
    """Return the exit code for all hosts.

    That of what failed to run; else the command's own, if it is the same wherever it is
    not 0; else 2.
    """
    if code := results.exit_code:
        return code
    codes = {output.exit for output in results.values.values()} - {0}
    return codes.pop() if len(codes) == 1 else (2 if codes else 0)


def groups(values: Mapping[str, Output]) -> dict[Output, list[str]]:
    """Return the hosts by their output: those with equal ones are together."""
    found: dict[Output, list[str]] = {}
    for host, output in values.items():
        found.setdefault(output, []).append(host)
    return found
