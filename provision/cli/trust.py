"""trust: show host keys that are not known, and store those that a person accepts."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from provision.cli.command import INTERRUPTED, command
from provision.cli.options import CommandOptions, words
from provision.cli.request import Request, resolve, short_path
from provision.errors import ConnectError, HostKeyError, OptionError

if TYPE_CHECKING:
    from provision.config.inventory import Host
    from provision.transport.ssh.trust import Unknown

UNREACHABLE = ConnectError.exit_code
KINDS = {"ssh-ed25519": "ed25519", "ssh-rsa": "rsa"}
"""Key types by the name that OpenSSH's files have; all others are ECDSA keys."""


@command("inventory", "limit", "forks", "fingerprint", "yes", "vault_password_file")
def trust(options: CommandOptions) -> int:
    """Show host keys that are not known, and accept them."""
    from provision import api
    from provision.report.console import output
    from provision.report.text import counted, listed

    request = resolve(options)
    console, hosts = output(), _hosts(request)
    remaining, errors, added = hosts, dict[str, ConnectError](), 0
    while remaining:
        with console.status(f"asking {counted(len(remaining), 'host')} for their keys"):
            found = api.scan_host_keys(remaining, forks=request.forks)
        errors |= found.errors
        if not found.unknown:
            break
        console.show(*key_list(found.unknown))
        if not accepted(found.unknown, options):
            console.show("no key was added")
            return INTERRUPTED
        files = api.accept_host_keys(found.unknown)
        names = listed([short_path(file) for file in files])
        added += len(found.unknown)
        console.show(f"{counted(len(found.unknown), 'key')} added to {names}", "")
        # Hosts behind a jump host can be reached only now.
        behind = {name for key in found.unknown if key.jump for name in key.hosts}
        remaining = [host for host in hosts if host.name in behind]
    console.show(*_failures(errors), _sentence(len(hosts), added, len(errors)))
    return UNREACHABLE if errors else 0


def _hosts(request: Request) -> list[Host]:
    """The selected hosts that are connected to by SSH.

    Raises:
        OptionError: there is none.
    """
    inventory, limit = request.inventory, request.options.limit
    names = inventory.select(limit) if limit else list(inventory.hosts)
    hosts = [inventory.hosts[name] for name in names]
    remote = [host for host in hosts if host.connection != "local"]
    if not remote:
        raise OptionError(
            "none of the selected hosts is connected to by SSH: there is no key to accept",
            hint="remove `ansible_connection: local`, or select others with --limit",
        )
    return remote


def key_list(keys: Sequence[Unknown]) -> Iterator[str]:
    """The keys, and how a person checks them."""
    from provision.report.text import counted, escape, listed

    verb = "is" if len(keys) == 1 else "are"
    yield f"{counted(len(keys), 'host key')} {verb} not known:"
    yield ""
    heads = ["jump host" if key.jump else listed(list(key.hosts), 2) for key in keys]
    width = max(map(len, heads))
    for key, head in zip(keys, heads, strict=True):
        way = f" on the way to {listed(list(key.hosts), 3)}" if key.jump else ""
        fingerprint = f"{_kind(key).upper():<7} {key.fingerprint}"
        yield f"  {head:<{width}}  {fingerprint}  {escape(key.name)}{way}"
    yield ""
    yield "Compare each with what the host itself prints, at its console:"
    for kind in dict.fromkeys(map(_kind, keys)):
        yield f"  ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub"
    files = dict.fromkeys(short_path(key.file) for key in keys)
    yield f"Accepted keys are written to {listed(list(files))}."


def _kind(key: Unknown) -> str:
    return KINDS.get(key.key.partition(" ")[0], "ecdsa")


def accepted(keys: Sequence[Unknown], options: CommandOptions) -> bool:
    """Return True if all *keys* are accepted, by an option or by the person.

    Raises:
        HostKeyError: another fingerprint was given.
        OptionError: there is no terminal to prompt on.
    """
    if options.fingerprint:
        _compare(keys, words(options.fingerprint))
        return True
    if options.yes:
        return True
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise OptionError(
            "no key was added: trust asks for confirmation first, and there is no "
            "terminal to prompt on",
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


def _compare(keys: Iterable[Unknown], fingerprints: Sequence[str]) -> None:
    for key in keys:
        if key.fingerprint not in fingerprints:
            raise HostKeyError(
                f"{key.name} has the key {key.fingerprint}, which is not among those of "
                "--fingerprint: no key was added",
                hint="if you expected another key, do not connect: this may be another "
                "machine; else add this fingerprint, or select one host with --limit",
            )


def _failures(errors: dict[str, ConnectError]) -> Iterator[str]:
    from provision.report.text import escape

    for name, error in errors.items():
        yield f"{escape(name)}: {escape(error.message)}"
        if error.hint:
            yield f"  to do: {escape(error.hint)}"


def _sentence(hosts: int, added: int, failed: int) -> str:
    from provision.report.text import counted

    if failed:
        return f"the keys of {failed} of {counted(hosts, 'host')} could not be checked"
    if added:
        return f"{counted(hosts, 'host')} known from now on"
    verb = "shows" if hosts == 1 else "show"
    return f"nothing to do: {counted(hosts, 'host')} {verb} the known key"
