"""Secrets that the cluster has and this machine has not: taken over, never made anew.

Somebody else's deploy has put them on the hosts. A new one in their place would change
the token of a running cluster, and replace all its containers, unasked.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from provision.config.inventory import Host, Inventory
from provision.config.playbook import Playbook, bind
from provision.errors import ConnectError, HostError, OptionError, SecretError
from provision.model.shell import Sh
from provision.model.step import parse_lines
from provision.secrets.store import CERTIFICATES, SecretMode, Secrets, placeholder
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


@dataclass(frozen=True, slots=True)
class Recovered:
    """The secrets that the cluster has.

    Attributes:
        values: by name.
        warnings: what was taken over, and what could not be asked for, in words.
    """

    values: Mapping[str, str]
    warnings: tuple[str, ...] = ()


def recover(
    playbook: Playbook,
    inventory: Inventory,
    missing: Collection[str],
    *,
    sets: Mapping[str, Any],
    keep: bool,
) -> Recovered:
    """Ask the host with the cluster's lock for the secrets that are missing here.

    Args:
        playbook: its `file` steps say where on that host a secret lies.
        inventory: the hosts.
        missing: the names of the secrets.
        sets: variables that win over all others.
        keep: they will be kept on this machine; otherwise they are only used in this run.

    Raises:
        ConnectError: the host cannot be asked, and what is missing was to be kept: one
            made anew might not be the one the cluster has.
        SecretError: the host has a certificate, whose authority cannot be taken over:
            its key is on no host.
    """
    keeper = inventory.lock_host(playbook.groups)
    places = dict(_places(playbook, inventory, missing, sets, keeper))
    if not places:
        return Recovered({})
    try:
        found = _asked(keeper, list(places.values()))
    except HostError as error:
        unknown = _unknown(keeper, missing, error)
        if keep:
            raise unknown from error
        return Recovered({}, (unknown.message,))
    values = {name: found[path] for name, path in places.items() if found[path]}
    warnings = []
    if values.pop(CERTIFICATES, ""):
        foreign = _foreign(keeper, places[CERTIFICATES], inventory.state_dir)
        if keep:
            raise foreign
        warnings.append(foreign.message)
    for name in values:
        to = f", now in {inventory.state_dir / name}" if keep else ""
        source = f"{keeper.name} has in {places[name]}{to}"
        warnings.append(f"{name} is the one that {source}")
    return Recovered(values, tuple(warnings))


def _places(
    playbook: Playbook,
    inventory: Inventory,
    missing: Collection[str],
    sets: Mapping[str, Any],
    keeper: Host,
) -> Iterator[tuple[str, str]]:
    """The *missing* secrets that are files on *keeper*, and where."""
    secrets = Secrets(inventory.state_dir, SecretMode.READ, inventory.credentials)
    try:
        bound = bind(playbook, inventory, secrets=secrets, sets=sets, limit=keeper.name)
    except OptionError:  # nothing is done on this host
        return
    names = {placeholder(name): name for name in sorted(missing)}
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
    return base64.b64decode(text).decode(errors="surrogateescape").strip()


def _foreign(keeper: Host, path: str, secrets: Path) -> SecretError:
    folder = secrets / CERTIFICATES
    return SecretError(
        f"the certificates of the cluster come from another machine: there is {path} on "
        f"{keeper.name}, but no {folder} here",
        hint="copy that folder from the machine that deployed; or, to have all made "
        f"anew, remove {path} on {keeper.name}",
    )


def _unknown(keeper: Host, missing: Collection[str], error: HostError) -> ConnectError:
    names = " and ".join(sorted(missing))
    return ConnectError(
        f"{keeper.name} cannot be asked whether the cluster has {names}, "
        f"which this machine has not: {error.message}",
        hint=error.hint or "see that the host can be reached, then try again",
        details=error.details,
    )
