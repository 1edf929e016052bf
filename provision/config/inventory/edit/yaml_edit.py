"""Hosts in the text of a YAML inventory: lines come and go, all others stay as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from provision.model.fields import Written

INDENT = 2


class _AsWritten(yaml.SafeDumper):
    """Writes a number as a person wrote it: `0123` and not 83."""


def _number(dumper: yaml.SafeDumper, value: Written) -> ScalarNode:
    kind = "int" if isinstance(value, int) else "float"
    return dumper.represent_scalar(f"tag:yaml.org,2002:{kind}", value.text)


_AsWritten.add_multi_representer(Written, _number)


@dataclass(frozen=True)
class Hosts:
    """The value of one `hosts:` in the file, and the key before it."""

    group: str
    key: Node
    value: Node

    @property
    def written_here(self) -> bool:
        """True if the value stands here, and not behind an alias."""
        return bool(self.value.start_mark.index >= self.key.end_mark.index)


def add(text: str, group: str, name: str, variables: Mapping[str, Any]) -> str:
    """Return *text* with the host *name* in the first place of *group* that has hosts.

    Raises:
        ValueError: there is no such place.
    """
    places = [
        one for one in _all_hosts(text) if one.group == group and one.written_here
    ]
    for place in places:
        entry = _entry(name, variables)
        if isinstance(place.value, MappingNode) and place.value.flow_style:
            return _added_in_braces(text, place.value, entry)
        if isinstance(place.value, MappingNode) and place.value.value:
            key, value = place.value.value[-1]
            if value.start_mark.index >= key.start_mark.index:
                return _line_after(
                    text, _end(value, text), key.start_mark.column, entry
                )
        elif isinstance(place.value, ScalarNode) and not place.value.value:
            column = place.key.start_mark.column + INDENT
            return _line_after(text, place.key.end_mark.index, column, entry)
    raise ValueError(f"the group {group} has no `hosts:` with hosts of its own")


def remove(text: str, name: str) -> str:
    """Return *text* without the host *name*, in whatever groups it is.

    Raises:
        ValueError: it is written nowhere by its own name.
    """
    cuts = []
    for place in _all_hosts(text):
        if not isinstance(place.value, MappingNode) or not place.written_here:
            continue
        for number, (key, _) in enumerate(place.value.value):
            if isinstance(key, ScalarNode) and key.value == name:
                cuts.append(_cut(text, place.value, number))
    if not cuts:
        raise ValueError(f"{name} is written nowhere by its own name")
    for start, end in sorted(cuts, reverse=True):
        text = text[:start] + text[end:]
    return text


def is_yaml(text: str) -> bool:
    """Return whether *text* is a mapping in YAML."""
    try:
        return isinstance(_compose(text), MappingNode)
    except yaml.YAMLError:
        return False


def _compose(text: str) -> Node | None:
    found: Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    return found


def _all_hosts(text: str) -> Iterator[Hosts]:
    root = _compose(text)
    if isinstance(root, MappingNode):
        for key, group in root.value:
            yield from _in_group(str(key.value), group)


def _in_group(name: str, group: Node) -> Iterator[Hosts]:
    if not isinstance(group, MappingNode):
        return
    for key, value in group.value:
        if key.value == "hosts":
            yield Hosts(name, key, value)
        elif key.value == "children" and isinstance(value, MappingNode):
            for child, its in value.value:
                yield from _in_group(str(child.value), its)


def _entry(name: str, variables: Mapping[str, Any]) -> str:
    """One host as it stands in the file, without what is around it."""
    key = _flow(name)
    # In braces, a host without variables needs a value as well.
    return f"{key}: {_flow(dict(variables))}"


def _flow(value: Any) -> str:
    dumped = yaml.dump(
        value,
        Dumper=_AsWritten,
        default_flow_style=True,
        width=float("inf"),
        allow_unicode=True,
        sort_keys=False,
    )
    text: str = dumped.removesuffix("\n").removesuffix("\n...")
    inner = text.removeprefix("{").removesuffix("}")
    return f"{{ {inner} }}" if isinstance(value, dict) and value else text


def _end(node: Node, text: str) -> int:
    """The place behind the last character of *node*: its mark may be lines further."""
    inner = []
    if isinstance(node, MappingNode):
        inner = [part for pair in node.value for part in pair]
    elif isinstance(node, SequenceNode):
        inner = node.value
    own = [part for part in inner if part.start_mark.index >= node.start_mark.index]
    if own and not getattr(node, "flow_style", False):
        return max(_end(part, text) for part in own)
    start, end = node.start_mark.index, node.end_mark.index
    return int(start + len(text[start:end].rstrip()))


def _line_end(text: str, place: int) -> int:
    """The place behind the line that *place* is in."""
    found = text.find("\n", place)
    return len(text) if found < 0 else found + 1


def _line_after(text: str, place: int, column: int, entry: str) -> str:
    """*text* with *entry* on a line of its own, after the line of *place*."""
    at = _line_end(text, place)
    before = text[:at]
    newline = "\r\n" if before.endswith("\r\n") else "\n"
    missing = "" if before.endswith("\n") else newline
    entry = entry.removesuffix(" {}")
    return f"{before}{missing}{' ' * column}{entry}{newline if not missing else ''}{text[at:]}"


def _added_in_braces(text: str, hosts: MappingNode, entry: str) -> str:
    brace = hosts.end_mark.index - 1
    if not hosts.value:
        return f"{text[:brace].rstrip(' ')} {entry} {text[brace:]}"
    last = hosts.value[-1]
    end = max(_end(node, text) for node in last)
    if "," in text[end:brace]:
        end += text[end:brace].index(",") + 1
        return f"{text[:end]} {entry}{text[end:]}"
    return f"{text[:end]}, {entry}{text[end:]}"


def _cut(text: str, hosts: MappingNode, number: int) -> tuple[int, int]:
    """The beginning and the end of what one host has of *text*."""
    key, value = hosts.value[number]
    start = key.start_mark.index
    aliased = value.start_mark.index < start
    end = _line_end(text, start) - 1 if aliased else _end(value, text)
    if hosts.flow_style:
        return _cut_in_braces(text, hosts, number, end)
    line = text.rfind("\n", 0, start) + 1
    if text[line:start].strip():
        raise ValueError(f"{key.value} does not stand on a line of its own")
    return line, _line_end(text, end)


def _cut_in_braces(
    text: str, hosts: MappingNode, number: int, end: int
) -> tuple[int, int]:
    start = hosts.value[number][0].start_mark.index
    if number + 1 < len(hosts.value):
        return start, hosts.value[number + 1][0].start_mark.index
    if number == 0:
        return start, end
    before = max(_end(node, text) for node in hosts.value[number - 1])
    return before, end
