"""One question to one host, outside of a run."""

from __future__ import annotations

from provision.config.inventory import Host
from provision.model.framing import Frames, Task, encode, new_mark, replies
from provision.model.shell import Reply, Sh
from provision.transport.connect import transport


def ask(host: Host, sh: Sh, limit_s: float) -> Reply:
    """What *sh* prints on *host*, and how it ends.

    Raises:
        ConnectError: the host cannot be reached.
        StepTimeoutError: it took longer than *limit_s*.
    """
    connection, mark = transport(host), new_mark()
    stdout, stderr = Frames(mark), Frames(mark)
    connection.open()
    try:
        code = connection.run(
            encode([Task(sh)], mark),
            become=host.become,
            limit_s=limit_s,
            stdout=stdout,
            stderr=stderr,
        )
    finally:
        connection.close()
    return replies(stdout, stderr, 1, code)[0]
