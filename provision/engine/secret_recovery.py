"""Secrets that the cluster has and this machine has not: taken over, never made anew.

Somebody else's deploy has put them on the hosts. A new one in their place would change
the token of a running cluster, and replace all its containers, unasked.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pydantic import SecretStr

from provision.config.inventory import Host, Inventory
from provision.config.playbook import Playbook, bind
from provision.errors import ConnectError, HostError, OptionError, SecretError
from provision.model.shell import Sh
from provision.model.step import parse_lines
from provision.secrets.store import CERTIFICATES, Secrets, placeholder
from provision.steps.files.file import File
from provision.transport.query import ask

LIMIT_S = 30.0
READ = r"""
number=0
for path; do
    if [ -e "$path" ]; then
        value=$(base64 <"$path") || exit 1
        printf '%s=%s\n' "$number" "$(printf %s "$value" | tr -d '\n')"
    fi
    number=$((number + 1))
done
"""


def adopt(
    playbook: Playbook,
    inventory: Inventory,
    secrets: Secrets,
    *,
    sets: Mapping[str, Any],
    keep: bool,
) -> list[str]:
    """Ask the head for the secrets that are missing here; the first host if there is none.

    Args:
        playbook: its `file` steps say where on the head a secret lies.
        inventory: the hosts.
        secrets: those that are missing are asked for.
        sets: variables that win over all others.
        keep: keep them on this machine; otherwise they are only used in this run.

    Returns:
        What was taken over, and what could not be asked for, in words.

    Raises:
        ConnectError: the head cannot be asked, and what is missing was to be kept: one
            made anew might not be the one the cluster has.
        SecretError: a file cannot be made; or the head has a certificate, whose
            authority cannot be taken over: its key is on no host.
    """
    keeper = inventory.lock_host(playbook.groups)
    places = dict(_places(playbook, inventory, secrets, sets, keeper))
    if not places:
        return []
    try:
        found = _asked(keeper, list(places.values()))
    except HostError as error:
        unknown = _unknown(keeper, secrets, error)
        if keep:
            raise unknown from error
        return [unknown.message]
    told = []
    for name, path in places.items():
        value = found.get(path, "").strip()
        if value and name == CERTIFICATES:
            if keep:
                raise _foreign(keeper, path, secrets)
            told.append(_foreign(keeper, path, secrets).message)
        elif value:
            secrets.take_over(name, value, keep=keep)
            to = f", now in {secrets.place(name)}" if keep else ""
            told.append(f"{name} is the one that {keeper.name} has in {path}{to}")
    return told


def _places(
    playbook: Playbook,
    inventory: Inventory,
    secrets: Secrets,
    sets: Mapping[str, Any],
    keeper: Host,
) -> Iterator[tuple[str, str]]:
    """The missing secrets that are files on *keeper*, and where."""
    try:
        bound = bind(playbook, inventory, secrets=secrets, sets=sets, limit=keeper.name)
    except OptionError:  # nothing is done on this host
        return
    names = {placeholder(name): name for name in sorted(secrets.missing)}
    for play in bound.plays:
        for item in play.steps.get(keeper.name, ()):
            step = item.step
            if not isinstance(step, File) or not isinstance(step.content, SecretStr):
                continue
            if name := names.get(step.content.get_secret_value()):
                yield name, step.path


def _asked(keeper: Host, paths: list[str]) -> dict[str, str]:
    """The content of those of *paths* that are there.

    Raises:
        HostError: the host cannot be reached, or does not let us read them.
    """
    reply = ask(keeper, Sh.of(READ, *paths), LIMIT_S)
    if reply.exit != 0:
        # Not what it printed: those are the secrets.
        raise HostError("cannot be read", details=replace(reply, stdout="").tail())
    found = parse_lines(reply.stdout)
    coded = (found.get(str(number), "") for number in range(len(paths)))
    return dict(zip(paths, map(_decoded, coded), strict=True))


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode(errors="surrogateescape")


def _foreign(keeper: Host, path: str, secrets: Secrets) -> SecretError:
    folder = secrets.folder / CERTIFICATES
    return SecretError(
        f"the certificates of the cluster come from another machine: there is {path} on "
        f"{keeper.name}, but no {folder} here",
        hint="copy that folder from the machine that deployed; or, to have all made "
        f"anew, remove {path} on {keeper.name}",
    )


def _unknown(keeper: Host, secrets: Secrets, error: HostError) -> ConnectError:
    names = " and ".join(sorted(secrets.missing))
    return ConnectError(
        f"{keeper.name} cannot be asked whether the cluster has {names}, "
        f"which this machine has not: {error.message}",
        hint=error.hint or "see that the host can be reached, then try again",
        details=error.details,
    )
