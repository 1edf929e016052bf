"""Many fragments of shell in one script, and their replies, read from its output."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from provision.model.script import Script
from provision.model.shell import Reply, Sh

KEEP_BYTES = 4 * 2**20
"""Output kept per fragment and stream; the rest of a flood is dropped, its end kept."""


LINE_BYTES = 2**16
"""Bytes of a line that are passed on while it is printed."""


@dataclass(frozen=True, slots=True)
class Task:
    """A fragment and how to run it.

    Attributes:
        sh: the fragment.
        strict: under `set -e`, as changes run; probes do not.
        on_line: called for each line it prints, while it runs; None = nobody waits.
    """

    sh: Sh
    strict: bool = False
    on_line: Callable[[str], None] | None = None


NOT_RUN = b"-"
"""Stands for the exit code of a fragment that was passed over."""


def new_mark() -> str:
    """Return the start of a line that no fragment prints by chance."""
    return f"@{secrets.token_hex(8)}"


PRELUDE = 'export LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"; umask 022'
"""English messages, and tools in sbin, which sshd does not put in PATH for other users."""


PACK = r"""
{ trap : TERM; err=$( { trap : TERM; out=$(
{"""


PACKED = r"""
} 2>&4); printf '%s\n' "$out" >&3; } 4>&1); printf '%s\n' "$err" >&2; } 3>&1
"""
"""Around fragments: each write of theirs would be a packet of SSH, dozens for the probes.

What they print is kept in variables, which takes no process, and is written in one.
The time limit ends the fragments and not what is around them, so what was printed
until then is sent.
"""


def encode(tasks: Sequence[Task], mark: str) -> str:
    """Return one script that runs *tasks* in turn, each followed by *mark* and its exit code.

    The script is one compound command, so a shell that receives only a part of
    it (a cut link) runs nothing. Each fragment runs in a subshell with an empty
    standard input; the mark goes to both streams, so both can be divided. Output
    of probes is sent in few pieces when they are done; output of changes, as it comes.

    Args:
        tasks: changes first, then probes.
        mark: see `new_mark`.
    """
    changes = [frame(task, mark) for task in tasks if task.strict]
    probes = [frame(task, mark) for task in tasks if not task.strict]
    return script_of([*changes, *packed(probes)])


def script_of(parts: Sequence[str]) -> str:
    """Return the script that consists of *parts*, as one compound command."""
    body = "\n".join([PRELUDE, *parts])
    return f"{{\n{body}\nexit 0\n}}\n"


def packed(frames: Sequence[str]) -> list[str]:
    """Return *frames* so that their output is sent in few pieces when they are done."""
    return [PACK, *frames, PACKED] if len(frames) > 1 else [*frames]


STRICT = """set -eu
trap 'trap "" HUP PIPE TERM; exit 143' HUP PIPE TERM"""
"""A shell that a signal kills leaves what its own EXIT trap would have removed.

PIPE comes with TERM: the shell prints a message about a child that was killed, and
nobody reads it. The second must not end the EXIT trap that the first began.
"""


def frame(task: Task, mark: str) -> str:
    """Return the code that runs *task* in a subshell, and prints its exit code `$s`."""
    mode = STRICT if task.strict else "set -u"
    return f"(\n{mode}\n{task.sh.render()}\n) </dev/null\ns=$?; {marked(mark)}"


def marked(mark: str, code: str = '"$s"') -> str:
    """Return the code that ends a fragment in both streams with the exit code *code*."""
    printed = f"printf '\\n{mark} %s\\n' {code}"
    return f"{printed}; {printed} >&2"


class Frames:
    """Divides one stream of a running script into its fragments' outputs.

    Feed it bytes as they come; memory stays bounded however much is printed. Of a line
    that does not end only the beginning is passed on as it comes.
    """

    def __init__(
        self, mark: str, on_line: Callable[[int, str], None] | None = None
    ) -> None:
        self._mark = mark.encode()
        self._on_line = on_line
        self._rest = b""
        self._in_line = False
        self._kept: deque[bytes] = deque()
        self._size = 0
        self.done: list[tuple[str, int | None]] = []

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        *lines, rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line)
        if len(rest) > LINE_BYTES:
            self._begin(rest)
            self._keep(rest[-KEEP_BYTES:])
            rest = b""
        self._rest = rest

    def _take(self, line: bytes) -> None:
        if line.startswith(self._mark) and not self._in_line:
            code = line.rsplit(b" ", 1)[1]
            self.done.append((self._text(), None if code == NOT_RUN else int(code)))
            self._kept.clear()
            self._size = 0
            return
        self._begin(line)
        self._in_line = False
        self._keep(line[-KEEP_BYTES:] + b"\n")

    def _begin(self, line: bytes) -> None:
        """Pass a line on, unless its beginning was passed on."""
        if self._on_line and line and not self._in_line:
            self._on_line(len(self.done), _decode(line[:LINE_BYTES]))
        self._in_line = True

    def _keep(self, piece: bytes) -> None:
        self._kept.append(piece)
        self._size += len(piece)
        while self._size > 2 * KEEP_BYTES:
            self._size -= len(self._kept.popleft())

    def _text(self) -> str:
        # The line break before the mark is ours.
        return _decode(b"".join(self._kept).removesuffix(b"\n"))

    def unfinished(self) -> str:
        """Return the output so far of the fragment that has not ended."""
        return _decode(b"".join([*self._kept, self._rest]))


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def replies(stdout: Frames, stderr: Frames, count: int, code: int) -> list[Reply]:
    """Return one reply per fragment, of a script that ended with exit *code*."""
    both = min(len(stdout.done), len(stderr.done))
    ended = [_reply(stdout, stderr, number) for number in range(both)]
    if len(ended) < count:
        rest = (stdout.unfinished(), stderr.unfinished())
        ended.append(Reply(*rest, exit=code or None, ended=False))
    never = Reply(exit=None, ended=False)
    return [*ended, *[never] * (count - len(ended))]


def _reply(stdout: Frames, stderr: Frames, number: int) -> Reply:
    (out, code), (err, _) = stdout.done[number], stderr.done[number]
    return Reply(out, err, code, ended=code is not None)


def run_tasks(
    run: Callable[[Script], int],
    tasks: Sequence[Task],
    *,
    become: bool = False,
    limit_s: float = 0,
) -> list[Reply]:
    """Run *tasks* in one script; return one reply per task.

    Args:
        run: runs a script and returns its exit code, as `Transport.run` does.
        tasks: changes first, then probes.
        become: as root.
        limit_s: seconds after which the host kills the script; 0 = never.
    """

    def on_line(number: int, line: str) -> None:
        if call := tasks[number].on_line:
            call(line)

    mark, watched = new_mark(), any(task.on_line for task in tasks)
    script = Script(
        encode(tasks, mark),
        become=become,
        limit_s=limit_s,
        heartbeat=any(task.strict for task in tasks),
    )
    reader = Reader(mark, len(tasks), on_line=on_line if watched else None)
    return reader.read(run, script)


class Reader:
    """Reads the replies of a script with *count* fragments while it runs.

    Args:
        mark: ends each fragment.
        count: how many there are.
        on_line: called with a fragment's number for each line it prints.
        on_reply: called with a fragment's number and its reply, as soon as it has ended.
    """

    def __init__(
        self,
        mark: str,
        count: int,
        *,
        on_line: Callable[[int, str], None] | None = None,
        on_reply: Callable[[int, Reply], None] | None = None,
    ) -> None:
        self._count = count
        take_line = self._take_line if on_line else None
        self._stdout, self._stderr = Frames(mark, take_line), Frames(mark, take_line)
        self._on_line = on_line
        self._on_reply = on_reply
        self._told = 0
        self._ahead: list[tuple[int, str]] = []

    def read(self, run: Callable[[Script], int], script: Script) -> list[Reply]:
        """Run *script*; return one reply per fragment."""
        out, err = self._sink(self._stdout), self._sink(self._stderr)
        code = run(replace(script, stdout=out, stderr=err))
        return replies(self._stdout, self._stderr, self._count, code)

    def _sink(self, frames: Frames) -> Callable[[bytes], None]:
        def take(data: bytes) -> None:
            frames.feed(data)
            self._tell()

        return take

    def _take_line(self, number: int, line: str) -> None:
        if self._on_reply and number > self._told:
            # Its stream is ahead: the fragment before has not ended in the other one.
            self._ahead.append((number, line))
        elif self._on_line:
            self._on_line(number, line)

    def _tell(self) -> None:
        both = min(len(self._stdout.done), len(self._stderr.done))
        while self._on_reply and self._told < both:
            self._told += 1
            number = self._told - 1
            self._on_reply(number, _reply(self._stdout, self._stderr, number))
            held, self._ahead = self._ahead, []
            for ahead, line in held:
                self._take_line(ahead, line)
