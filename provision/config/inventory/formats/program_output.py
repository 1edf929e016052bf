"""The JSON that a program prints as an inventory.

Source: the Ansible documentation, "Developing dynamic inventory", ansible-core 2.19.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provision.config.inventory.entries import (
    ChildEntry,
    Entries,
    GroupEntry,
    HostEntry,
    Variable,
    VariableEntry,
    WarningEntry,
)
from provision.config.inventory.formats.names import group_name, host_names
from provision.config.json_text import NOT_JSON, from_json
from provision.config.yaml_source import Place, shown
from provision.errors import InputError, InventoryError
from provision.secrets.credentials import Credentials

META = "_meta"
SECTIONS = ("hosts", "vars", "children")


class ProgramOutput:
    """Reads what a program prints.

    Args:
        file: the program.
        run: returns what it prints for the words it is given.
        credentials: decrypt what is encrypted in it.
    """

    def __init__(
        self, file: str, run: Callable[..., str], credentials: Credentials
    ) -> None:
        self._file = file
        self._credentials = credentials
        self._run = run
        self._hosts: dict[str, None] = {}

    def entries(self) -> Entries:
        """Yield the entries of the inventory.

        Raises:
            InputError: the program fails, or does not print JSON.
        """
        top = self._object(self._run("--list"), "--list")
        for name, body in top.items():
            if name != META:
                yield from self._guarded(name, body)
        known = self._host_vars(top)
        for host in self._hosts:
            found = known.get(host, {}) if known is not None else self._asked(host)
            try:
                yield from self._vars(host, found, (META, "hostvars", host))
            except InputError as error:
                yield error

    def _guarded(self, name: str, body: Any) -> Entries:
        try:
            yield from self._group(name, body)
        except InputError as error:
            yield error
        except ValueError as error:
            yield self._error((name,), str(error))

    def _object(self, text: str, words: str) -> Mapping[str, Any]:
        data = from_json(text, self._credentials)
        if isinstance(data, Mapping):
            return data
        kind = "no JSON" if data is NOT_JSON else "JSON, but no object"
        problem = f"the program {words} prints {kind}: {shown(text.strip())}"
        raise InventoryError(problem, file=self._file)

    def _host_vars(self, top: Mapping[str, Any]) -> Mapping[str, Any] | None:
        meta = top.get(META, {})
        if not isinstance(meta, Mapping):
            raise self._error((META,), f"must be an object, not {shown(meta)}")
        found = meta.get("hostvars")
        if META in top and not isinstance(found, Mapping):
            where = (META, "hostvars")
            raise self._error(where, f"must be an object, not {shown(found)}")
        return found

    def _asked(self, host: str) -> Any:
        text = self._run("--host", host)
        return self._object(text, f"--host {host}") if text.strip() else {}

    def _group(self, key: str, body: Any) -> Entries:
        name = group_name(key)
        yield GroupEntry(name, self._at((name,)))
        if not isinstance(body, Mapping):
            body = {"hosts": body}
        elif not any(section in body for section in SECTIONS):
            yield WarningEntry(
                f"{name!r} has none of hosts, vars and children, and is read as a host",
                self._at((name,)),
            )
            body = {"hosts": [name], "vars": body}
        yield from self._members(name, body)
        if "vars" in body:
            yield from self._vars(name, body["vars"], (name, "vars"))
        for child in self._list(body, (name, "children")):
            child_name = group_name(child)
            yield GroupEntry(child_name, self._at((name, "children")))
            yield ChildEntry(child_name, name, self._at((name, "children")))

    def _members(self, group: str, body: Mapping[str, Any]) -> Entries:
        for host in self._list(body, (group, "hosts")):
            # Nothing is expanded here: a program prints each host itself.
            if host_names(host) != ([host], 0):
                problem = f"{shown(host)} cannot be the name of a host"
                raise self._error((group, "hosts"), problem)
            self._hosts[host] = None
            yield HostEntry(host, group, self._at((group, "hosts", host)))

    def _vars(self, owner: str, body: Any, where: tuple[str, ...]) -> Entries:
        if not isinstance(body, Mapping):
            raise self._error(where, f"must be an object, not {shown(body)}")
        for name, value in body.items():
            place = self._at((*where, name))
            yield VariableEntry(owner, Variable.of(name, value, place))

    def _list(self, body: Mapping[str, Any], where: tuple[str, str]) -> list[Any]:
        found = body.get(where[-1], [])
        if not isinstance(found, list):
            raise self._error(where, f"must be a list, not {shown(found)}")
        return found

    def _at(self, where: tuple[str, ...]) -> Place:
        return Place(self._file, 0, ".".join(where))

    def _error(self, where: tuple[str, ...], problem: str) -> InputError:
        return self._at(where).error(InventoryError, problem)
