"""One mapping of variables for each host: all < parent group < child group < host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from provision.config.inventory.groups import GroupTree
from provision.config.yaml_source import Source, load
from provision.errors import InventoryError
from provision.secrets.credentials import Credentials

SUFFIXES = ("", ".yml", ".yaml", ".json")


class Merge:
    """The hosts of a tree, the groups each is in, and its variables.

    As in Ansible, files in `group_vars/` and `host_vars/` beside the inventory win
    over what is written in it for the same group or host.

    Args:
        tree: the groups as written.
        base: the inventory's folder; None: there is none.
        credentials: decrypt what is encrypted.
    """

    def __init__(
        self, tree: GroupTree, base: Path | None, credentials: Credentials
    ) -> None:
        self._credentials = credentials
        self._tree = tree
        self._base = base
        self._parents = tree.parents()
        self._files: dict[tuple[str, str], Mapping[str, Any]] = {}
        self.hosts = list(self._names())
        self._depths: dict[str, int] = {}
        self.direct = {
            host: [g.name for g in tree.groups.values() if host in g.hosts]
            for host in self.hosts
        }

    def groups_of(self, host: str) -> list[str]:
        """All groups of *host*, the ones that win last."""
        found = {"all"}
        todo = list(self.direct[host])
        if set(todo) <= {"all", "ungrouped"}:
            found.add("ungrouped")
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += self._parents[name]
        return sorted(found, key=self._rank)

    def variables(self, host: str) -> dict[str, Any]:
        """The variables of *host*.

        Raises:
            InventoryError: two groups of the same rank disagree.
        """
        merged: dict[str, Any] = {}
        origin: dict[str, str] = {}
        for name in self.groups_of(host):
            for key, value in self._group_vars(name).items():
                if key in merged and merged[key] != value:
                    self._refuse_tie(host, key, origin[key], name)
                merged[key], origin[key] = value, name
        for group in self._tree.groups.values():
            merged |= group.host_vars.get(host, {})
        return {**merged, **self._file("host_vars", host)}

    def _refuse_tie(self, host: str, key: str, one: str, other: str) -> None:
        if self._rank(one)[:2] == self._rank(other)[:2]:
            raise self._tree.source.error(
                InventoryError,
                (*self._tree.groups[other].where, "vars", key),
                f"the groups {one!r} and {other!r} disagree about it for {host}",
                "set it on the host, or give one group a higher ansible_group_priority",
            ) from None

    def _names(self) -> Iterator[str]:
        seen: set[str] = set()
        for group in self._tree.groups.values():
            for name in group.hosts:
                if name not in seen:
                    seen.add(name)
                    yield name

    def _rank(self, name: str) -> tuple[int, int, str]:
        priority = self._group_vars(name).get("ansible_group_priority", 1)
        return (self._depth(name), int(priority), name)

    def _depth(self, name: str) -> int:
        if name not in self._depths:
            parents = self._parents[name]
            deepest = max((self._depth(parent) for parent in parents), default=0)
            self._depths[name] = 0 if name == "all" else deepest + 1
        return self._depths[name]

    def _group_vars(self, name: str) -> dict[str, Any]:
        own = self._tree.groups[name].vars
        return {**own, **self._file("group_vars", name)}

    def _file(self, folder: str, name: str) -> Mapping[str, Any]:
        key = (folder, name)
        if key not in self._files:
            self._files[key] = self._read(folder, name)
        return self._files[key]

    def _read(self, folder: str, name: str) -> Mapping[str, Any]:
        if self._base is None or not (self._base / folder).is_dir():
            return {}
        for suffix in SUFFIXES:
            path = self._base / folder / f"{name}{suffix}"
            if path.is_file():
                return _mapping(
                    load(path, InventoryError, credentials=self._credentials)
                )
            if path.is_dir():
                hint = f"put all of it into {path}.yml"
                raise InventoryError(
                    "a folder of variables is not read", file=str(path), hint=hint
                )
        return {}


def _mapping(source: Source) -> Mapping[str, Any]:
    if source.data is None:
        return {}
    if not isinstance(source.data, Mapping):
        raise source.error(InventoryError, (), "must be a mapping of variables")
    return {str(key): value for key, value in source.data.items()}
