"""The groups of an inventory file as they are written, before anything is merged."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from provision.config.inventory.ranges import expand
from provision.config.yaml_source import Source, Where, did_you_mean
from provision.errors import InputError, InventoryError

KEYS = ("hosts", "vars", "children")
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
IMPLIED = ("all", "ungrouped")


@dataclass(slots=True)
class Group:
    """A group as written: its own hosts and variables, and the groups in it."""

    name: str
    hosts: dict[str, Where] = field(default_factory=dict)
    host_vars: dict[str, dict[str, Any]] = field(default_factory=dict)
    vars: dict[str, Any] = field(default_factory=dict)
    children: list[str] = field(default_factory=list)
    where: Where = ()


class GroupTree:
    """Reads all groups of *source*; what is wrong is gathered in `errors`."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.errors: list[InputError] = []
        self.groups = {name: Group(name) for name in IMPLIED}
        top = source.data
        if not isinstance(top, Mapping) or not top:
            problem = "an inventory is a mapping of groups"
            self._wrong((), problem, "begin with `all:` and below it `hosts:`")
            return
        if "plugin" in top:
            self._wrong(("plugin",), "this file is for an inventory plugin of Ansible")
            return
        for name, body in top.items():
            self._group(str(name), body, (str(name),))
        self._refuse_circles()

    def parents(self) -> dict[str, set[str]]:
        """The groups that each group is directly in."""
        found: dict[str, set[str]] = {name: set() for name in self.groups}
        for group in self.groups.values():
            for child in group.children:
                found[child].add(group.name)
        return found

    def _wrong(self, where: Where, problem: str, hint: str = "") -> None:
        self.errors.append(self.source.error(InventoryError, where, problem, hint))

    def _group(self, name: str, body: Any, where: Where) -> None:
        if not NAME.match(name):
            self._wrong(where, f"{name!r} cannot be the name of a group")
            return
        group = self.groups.setdefault(name, Group(name, where=where))
        group.where = group.where or where
        for key, value in self._mapping(body, where):
            here = (*where, key)
            if key == "hosts":
                self._hosts(group, value, here)
            elif key == "vars":
                group.vars |= dict(self._mapping(value, here))
            elif key == "children":
                self._children(group, value, here)
            else:
                hint = did_you_mean(key, KEYS)
                if name in IMPLIED and "did" not in hint:
                    hint = f"groups stand beside `{name}` or below its `children`"
                self._wrong(here, "unknown key of a group", hint)

    def _mapping(self, body: Any, where: Where) -> Iterator[tuple[str, Any]]:
        if body is None:
            return
        if isinstance(body, str):
            yield body, None
        elif isinstance(body, Mapping):
            for key, value in body.items():
                yield str(key), value
        else:
            hint = "one entry a line, each with a colon at its end, no dashes"
            self._wrong(where, f"must be a mapping, not {body!r}", hint)

    def _children(self, group: Group, body: Any, where: Where) -> None:
        for name, child in self._mapping(body, where):
            self._group(name, child, (*where, name))
            if name in self.groups and name not in group.children:
                group.children.append(name)

    def _hosts(self, group: Group, body: Any, where: Where) -> None:
        here: set[str] = set()
        for text, variables in self._mapping(body, where):
            place = (*where, text)
            found = dict(self._mapping(variables, place))
            for name, port in self._names(text, place):
                if name in here:
                    self._wrong(place, f"the host {name} is there twice")
                here.add(name)
                group.hosts.setdefault(name, place)
                group.host_vars.setdefault(name, {}).update(port | found)

    def _names(self, text: str, where: Where) -> Iterator[tuple[str, dict[str, Any]]]:
        """The hosts an entry stands for, with the port it may have."""
        name, port = _split_port(text)
        try:
            names = expand(name)
        except ValueError as error:
            self._wrong(where, str(error))
            return
        for one in names:
            if NAME.match(one) or ":" in one:
                yield one, {"ansible_port": int(port)} if port else {}
            else:
                self._wrong(where, f"{one!r} cannot be the name of a host")

    def _refuse_circles(self) -> None:
        def visit(name: str, path: tuple[str, ...]) -> bool:
            if name in path:
                circle = " -> ".join([*path[path.index(name) :], name])
                where = self.groups[name].where
                self._wrong(where, f"groups contain each other: {circle}")
                return True
            return any(visit(c, (*path, name)) for c in self.groups[name].children)

        any(visit(name, ()) for name in self.groups)


def _split_port(text: str) -> tuple[str, str]:
    """`name:22` and `[address]:22` in two; an IPv6 address needs the brackets."""
    if match := re.fullmatch(
        r"\[([0-9a-fA-F:.]*:[0-9a-fA-F:.]*:[^\]]*)\](?::(\d+))?", text
    ):
        return match[1], match[2] or ""
    if match := re.fullmatch(r"([^:\[\]]*(?:\[[^\]]*\][^:\[\]]*)*):(\d+)", text):
        return match[1], match[2]
    return text, ""
