"""trust: show host keys that are not known, and write down those a person accepts."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from provision.cli.command import INTERRUPTED, command
from provision.cli.options import CommandOptions, positive, words
from provision.cli.playbook_run import inventory_of, shown
from provision.errors import ConnectError, HostKeyError, OptionError

if TYPE_CHECKING:
    from provision.config.inventory import Host
    from provision.transport.ssh.trust import Unknown

UNREACHABLE = ConnectError.exit_code
KINDS = {"ssh-ed25519": "ed25519", "ssh-rsa": "rsa"}
"""Key types by the name that OpenSSH's files have; all others are ECDSA keys."""


@command("inventory", "limit", "forks", "fingerprint", "yes", "vault_password_file")
def trust(given: CommandOptions) -> int:
    """Show host keys that are new, and accept them."""
    from provision.api import FORKS
    from provision.report.console import output
    from provision.report.text import counted, listed
    from provision.transport.ssh.trust import accept, look

    forks = positive("--forks", given.forks) if given.forks else FORKS
    console, hosts = output(), _hosts(given)
    todo, errors, added = hosts, dict[str, ConnectError](), 0
    while todo:
        with console.status(f"asking {counted(len(todo), 'host')} for their keys"):
            seen = look(todo, forks=forks)
        errors |= seen.errors
        if not seen.unknown:
            break
        console.tell(*_shown(seen.unknown))
        if not _accepted(seen.unknown, given):
            console.tell("nothing was written")
            return INTERRUPTED
        files = listed([shown(file) for file in accept(seen.unknown)])
        added += len(seen.unknown)
        console.tell(f"{counted(len(seen.unknown), 'key')} added to {files}", "")
        # What lies behind a jump host can be seen only now.
        behind = {name for key in seen.unknown if key.jump for name in key.hosts}
        todo = [host for host in hosts if host.name in behind]
    console.tell(*_failed(errors), _sentence(len(hosts), added, len(errors)))
    return UNREACHABLE if errors else 0


def _hosts(given: CommandOptions) -> list[Host]:
    """The hosts that are connected to by SSH.

    Raises:
        OptionError: there is none.
    """
    inventory = inventory_of(given)
    names = inventory.select(given.limit) if given.limit else list(inventory.hosts)
    hosts = [inventory.hosts[name] for name in names]
    remote = [host for host in hosts if host.connection != "local"]
    if not remote:
        raise OptionError("none of the chosen hosts is connected to by SSH")
    return remote


def _shown(keys: Sequence[Unknown]) -> Iterator[str]:
    """What a person needs to decide."""
    from provision.report.text import counted, escape, listed

    verb = "is" if len(keys) == 1 else "are"
    yield f"{counted(len(keys), 'host key')} {verb} not known:"
    yield ""
    heads = ["jump host" if key.jump else listed(list(key.hosts), 2) for key in keys]
    width = max(map(len, heads))
    for key, head in zip(keys, heads, strict=True):
        way = f" on the way to {listed(list(key.hosts), 3)}" if key.jump else ""
        print_ = f"{_kind(key).upper():<7} {key.fingerprint}"
        yield f"  {head:<{width}}  {print_}  {escape(key.name)}{way}"
    yield ""
    yield "Compare each with what the host itself says, at its console:"
    for kind in dict.fromkeys(map(_kind, keys)):
        yield f"  ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub"
    files = dict.fromkeys(shown(key.file) for key in keys)
    yield f"Accepted keys are written to {listed(list(files))}."


def _kind(key: Unknown) -> str:
    return KINDS.get(key.key.partition(" ")[0], "ecdsa")


def _accepted(keys: Sequence[Unknown], given: CommandOptions) -> bool:
    """Whether all *keys* are accepted, by an option or by the person.

    Raises:
        HostKeyError: another fingerprint was given.
        OptionError: there is nobody to ask.
    """
    if given.fingerprint:
        _compare(keys, words(given.fingerprint))
        return True
    if given.yes:
        return True
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise OptionError(
            "nothing was written: trust asks before it accepts a key, and here is no "
            "terminal to ask on",
            hint="compare the fingerprints, then add --yes, or for a single host "
            "--fingerprint SHA256:...",
        )
    try:
        answer = input(f"Type yes to accept {_all(len(keys))}: ")
    except EOFError:
        answer = ""
    return answer.strip().lower() in {"y", "yes"}


def _all(number: int) -> str:
    return "it" if number == 1 else f"{number} keys"


def _compare(keys: Iterable[Unknown], given: Sequence[str]) -> None:
    for key in keys:
        if key.fingerprint not in given:
            raise HostKeyError(
                f"{key.name} shows {key.fingerprint}, which was not given by "
                "--fingerprint: nothing was written",
                hint="choose one host with --limit; if it is that host, do not connect, "
                "or give the fingerprint of its key of this type",
            )


def _failed(errors: dict[str, ConnectError]) -> Iterator[str]:
    from provision.report.text import escape

    for name, error in errors.items():
        yield f"{escape(name)}: {escape(error.message)}"
        if error.hint:
            yield f"  to do: {escape(error.hint)}"


def _sentence(hosts: int, added: int, failed: int) -> str:
    from provision.report.text import counted

    if failed:
        return f"{counted(failed, 'host')} of {hosts} could not be seen or is refused"
    if added:
        return f"{counted(hosts, 'host')} known from now on"
    verb = "shows" if hosts == 1 else "show"
    return f"nothing to do: {counted(hosts, 'host')} {verb} the known key"
