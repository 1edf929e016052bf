"""The machines on the way to a host: its jump hosts, as ssh goes through them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from provision.config.ssh import SshRequest, SshSettings, resolve
from provision.errors import ConnectError, InputError

JUMP = re.compile(
    r"(?:ssh://)?(?:(?P<user>.*)@)?(?P<host>\[[^]]+\]|[^:]+)(?::(?P<port>\d+))?/?"
)


def settings_of(request: SshRequest) -> SshSettings:
    """Return how to reach the host of *request*.

    Raises:
        ConnectError: the files or the arguments cannot be used.
    """
    try:
        return resolve(request)
    except InputError as error:
        raise SshConfigError(str(error), once=str(error)) from error


class SshConfigError(ConnectError):
    """The configuration of ssh cannot be used."""

    final = True


def hops(target: SshSettings, file: str | None) -> Iterator[SshSettings]:
    """Yield the jump hosts of *target*, in the order to connect to them.

    Args:
        target: the host.
        file: the file of `ssh -F`, which is for jump hosts as well.
    """
    yield from _hops(target, file, {target.name, target.host})


def _hops(
    target: SshSettings, file: str | None, passed: set[str]
) -> Iterator[SshSettings]:
    jumps = [_jump(text, file) for text in target.proxy_jump.split(",") if text.strip()]
    # `Host *` with a ProxyJump means the jump host itself, too.
    if passed & {jump.name for jump in jumps}:
        return
    for number, jump in enumerate(jumps):
        # The way to the first is its own; the others are reached through the one before.
        if number == 0:
            yield from _hops(jump, file, passed | {one.name for one in jumps})
        yield jump


def _jump(text: str, file: str | None) -> SshSettings:
    found = JUMP.fullmatch(text.strip())
    if found is None:
        raise SshConfigError(
            f"{text!r} is no jump host", hint="write [USER@]HOST[:PORT]"
        )
    port = [f"Port {found['port']}"] if found["port"] else []
    user = [f'User "{found["user"]}"'] if found["user"] else []
    return settings_of(SshRequest(found["host"].strip("[]"), (*port, *user), file))
