"""Configuration of an image that is made of a container: that of its base, and its origin."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from provision.errors import OptionError
from provision.ray.images.facts import ORIGIN

PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
TAG = re.compile(
    rf"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{{1,5}})?/)?"
    rf"{PART}(?:/{PART})*:[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}\Z"
)
LONGEST = 255
ODD = re.compile(r"[^A-Za-z0-9_.@:/+ -]")
UNSET = f"{ORIGIN}unset"
"""Label with the variables that a container of the image is made without."""
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def check_tag(tag: str) -> None:
    """Check that *tag* is a name of an image, with a tag.

    Raises:
        OptionError: it is not.
    """
    if not TAG.match(tag) or len(tag) > LONGEST:
        raise OptionError(
            f"--tag takes the name of an image, with a tag, not {tag!r}",
            hint="NAME:TAG or REGISTRY/NAME:TAG; the name in lower case: lab/ray:mine",
        )


def changes(
    container: Mapping[str, Any], base: Mapping[str, Any], origin: Mapping[str, str]
) -> list[str]:
    """Return the options of `docker commit` that set the configuration of the image.

    Docker would keep the container's. Its variables may be secret, and those that a deploy
    sets are of one host and one role: those that the base image lacks have no value, and a
    container of the image is made without them (`start_container.sh`): for Ray an empty one is
    a wrong one.

    Args:
        container: as Docker inspects it.
        base: the image that it was made of.
        origin: is kept in labels.
    """
    before = base.get("Config") or {}
    lines = [f'LABEL {ORIGIN}{key}="{ODD.sub("_", v)}"' for key, v in origin.items()]
    lines += [f"LABEL {key}={value}" for key, value in _own_labels(container, before)]
    lines += [f"ENV {name}={value}" for name, value in _variables(container, before)]
    lines.append(f"CMD {json.dumps(before.get('Cmd') or [])}")
    lines.append("HEALTHCHECK NONE")
    return [f"--change={line}" for line in lines]


def emptied(container: Mapping[str, Any], base: Mapping[str, Any]) -> list[str]:
    """Return the variables of *container* that an image of it does not keep."""
    before = base.get("Config") or {}
    names = {name for name, value in _variables(container, before) if value == '""'}
    earlier = (before.get("Labels") or {}).get(UNSET, "")
    return sorted({*names, *filter(NAME.match, earlier.split())})


def _own_labels(
    container: Mapping[str, Any], before: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield each label of a deploy that *container* has, as it is in its base."""
    kept = before.get("Labels") or {}
    for name in (container.get("Config") or {}).get("Labels") or {}:
        if name.startswith("provision.") and not name.startswith(ORIGIN):
            yield name, _quoted(kept.get(name, ""))


def _variables(
    container: Mapping[str, Any], before: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield each variable that *container* has otherwise than its base, as it is there."""
    kept = dict(_pairs(before.get("Env")))
    for name, value in _pairs((container.get("Config") or {}).get("Env")):
        if kept.get(name) != value and NAME.match(name):
            yield name, _quoted(kept.get(name, ""))


def _pairs(env: list[str] | None) -> Iterator[tuple[str, str]]:
    for line in env or ():
        name, _, value = line.partition("=")
        yield name, value


def _quoted(value: str) -> str:
    """Return *value* as the instruction ENV takes it; it cannot have more than one line."""
    if "\n" in value:
        return '""'
    return '"' + re.sub(r'([\\"$])', r"\\\1", value) + '"'
