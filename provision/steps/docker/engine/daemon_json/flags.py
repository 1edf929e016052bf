"""Flags that the unit of the engine gives to dockerd, which daemon.json must not repeat.

Source: dockerd(8), Docker Engine 20.10; `findConfigurationConflicts` of moby.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from provision.errors import RefusedError
from provision.model.change import State
from provision.steps.docker.engine.daemon_json.document import PATH

FIELD = "flags."
"""Prefix of the fields with the words that a file gives to dockerd."""
COMING = "-H fd:// --containerd=/run/containerd/containerd.sock"
"""Flags in the unit that each package of an engine brings."""
SHORT = {
    "D": "debug",
    "G": "group",
    "H": "host",
    "b": "bridge",
    "g": "graph",
    "l": "log-level",
    "p": "pidfile",
    "s": "storage-driver",
}
PLURAL = {
    "authorization-plugin": "authorization-plugins",
    "default-address-pool": "default-address-pools",
    "default-ulimit": "default-ulimits",
    "exec-opt": "exec-opts",
    "feature": "features",
    "host": "hosts",
    "insecure-registry": "insecure-registries",
    "label": "labels",
    "log-opt": "log-opts",
    "node-generic-resource": "node-generic-resources",
    "registry-mirror": "registry-mirrors",
    "storage-opt": "storage-opts",
}
"""Keys of daemon.json whose name differs from that of the flag.

`--add-runtime` is not among them: dockerd adds it to `runtimes`.
"""


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag of dockerd.

    Attributes:
        key: the key of daemon.json that says the same.
        text: the flag as it is written.
        value: its value; "" = none.
        place: the file that has it.
    """

    key: str
    text: str
    value: str
    place: str


def flags(observed: State) -> Iterator[Flag]:
    """Yield the flags that dockerd is started with, or will be once it is installed."""
    for field, text in observed.items():
        if field.startswith(FIELD):
            yield from _parsed(text, field.removeprefix(FIELD))
    if "engine" not in observed and observed.get("init") == "systemd":
        yield from _parsed(COMING, "the docker.service that comes with its package")


def _parsed(text: str, place: str) -> Iterator[Flag]:
    for word, after in pairwise([*text.split(), ""]):
        if not word.startswith("-"):
            continue
        name, equals, value = word.lstrip("-").partition("=")
        if not word.startswith("--"):
            value = name[1:] + equals + value
            name, equals = SHORT.get(name[:1], name[:1]), value
        own = not equals and not after.startswith(("-", "$"))
        text = f"{word} {after}".strip() if own else word
        yield Flag(PLURAL.get(name, name), text, after if own else value, place)


def refuse_repeated(observed: State, keys: Mapping[str, Any]) -> None:
    """Raise RefusedError if a flag says what one of *keys* says as well.

    dockerd does not start then, and a reload is not done.

    Args:
        observed: the state of the engine.
        keys: those of daemon.json as it is to be.
    """
    proxies = keys.get("proxies")
    nested = proxies if isinstance(proxies, Mapping) else {}
    twice = [flag for flag in flags(observed) if flag.key in {*keys, *nested}]
    if not twice:
        return
    listed = "; ".join(f"{f.key} is also the flag {f.text} in {f.place}" for f in twice)
    raise RefusedError(
        f"dockerd would not start with {PATH} and its flags: {listed}",
        hint="leave each of them in one place: take it out of daemon.json (or out of "
        "the playbook's `daemon`), or the flag out of the unit (`systemctl edit docker`)",
    )


def refuse_other_file(observed: State) -> None:
    """Raise RefusedError if dockerd reads its keys from another file."""
    for flag in flags(observed):
        if flag.key == "config-file" and flag.value != PATH:
            raise RefusedError(
                f"dockerd does not read {PATH}: {flag.place} has {flag.text}",
                hint="move its keys to daemon.json and take the flag away, or leave out "
                "the keys of `docker_engine`",
            )


def remapping(observed: State, keys: Mapping[str, Any]) -> str:
    """Return what makes the engine remap users; "" = nothing."""
    for flag in flags(observed):
        if flag.key == "userns-remap" and flag.value:
            return f"{flag.text} in {flag.place}"
    if keys.get("userns-remap"):
        return f"userns-remap in {PATH}"
    return "the engine says so" if "userns" in observed else ""
