"""Inventories in Ansible's INI format: `[group]`, `[group:vars]`, `[group:children]`.

Source: the Ansible documentation, "ansible.builtin.ini inventory", ansible-core 2.19.
"""

from __future__ import annotations

import ast
import re
import shlex
import warnings
from collections.abc import Collection, Iterator
from typing import Any

from pydantic import SecretStr

from provision.config.inventory.entries import (
    ChildEntry,
    Entries,
    GroupEntry,
    HostEntry,
    Variable,
    VariableEntry,
)
from provision.config.inventory.formats.names import group_name, host_names
from provision.config.yaml_source import Place, did_you_mean, shown
from provision.errors import InputError, InventoryError

HEADER = re.compile(r"\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?\Z")
CHILD = re.compile(r"([^:\]\s]+)\s*(?:#.*)?\Z")
KINDS = ("hosts", "vars", "children")
COMMENT = ("#", ";")
FORM = "write [group], [group:vars] or [group:children], without spaces"
TOO_DEEP = (MemoryError, RecursionError)


class IniFile:
    """Reads the *text* of one file.

    Args:
        text: its content.
        file: its name for errors.
        known: groups of the files before it, of which it may set variables.
        secret: every value is a secret, because the file was encrypted.
    """

    def __init__(
        self, text: str, file: str, known: Collection[str] = (), secret: bool = False
    ) -> None:
        self._lines = text.splitlines()
        self._file = file
        self._secret = secret
        self._declared = {"all", "ungrouped", *known}
        self._mentioned: dict[str, InputError] = {}
        self._group, self._kind = "ungrouped", "hosts"

    def entries(self) -> Entries:
        """Yield the entries of the file."""
        for number, raw in enumerate(self._lines, 1):
            line, place = raw.strip(), Place(self._file, number)
            if not line or line.startswith(COMMENT):
                continue
            try:
                yield from self._line(line, place)
            except InputError as error:
                yield error
            except ValueError as error:
                yield place.error(InventoryError, str(error))
        for name, missing in self._mentioned.items():
            if name not in self._declared:
                yield missing

    def _line(self, line: str, place: Place) -> Entries:
        if header := HEADER.match(line):
            self._header(header[1], header[2] or "hosts", place)
            yield GroupEntry(self._group, place)
        elif line.startswith("[") and line.endswith("]"):
            raise ValueError(f"{shown(line)} is no section: {FORM}")
        else:
            read = {"hosts": self._host, "vars": self._vars, "children": self._child}
            yield from read[self._kind](line, self._group, place)

    def _header(self, name: str, kind: str, place: Place) -> None:
        group_name(name)
        if kind not in KINDS:
            problem = f"[{name}:{kind}] is no section of an inventory"
            raise place.error(InventoryError, problem, did_you_mean(kind, KINDS))
        if kind == "vars":
            self._mention(name, place)
        else:
            self._declared.add(name)
        self._group, self._kind = name, kind

    def _mention(self, name: str, place: Place) -> None:
        problem = f"no group is called {name!r}"
        hint = did_you_mean(name, self._declared)
        hint = hint if hint.startswith("did") else f"add a section [{name}]"
        error = place.error(InventoryError, problem, hint)
        self._mentioned.setdefault(name, error)

    def _child(self, line: str, group: str, place: Place) -> Entries:
        match = CHILD.match(line)
        if not match:
            raise ValueError(f"one group a line, not {shown(line)}")
        name = group_name(match[1])
        self._mention(name, place)
        yield GroupEntry(name, place)
        yield ChildEntry(name, group, place)

    def _vars(self, line: str, group: str, place: Place) -> Entries:
        name, equals, text = line.partition("=")
        if not equals:
            raise ValueError(f"a variable is name=value, not {shown(line)}")
        variable = self._variable(name.strip(), text.strip(), place)
        yield VariableEntry(group, variable)

    def _host(self, line: str, group: str, place: Place) -> Entries:
        words = _words(line)
        if len(words[0]) > 1 and words[0].endswith(":"):
            hint = "variables are name=value; a port stands behind the colon"
            problem = f"{words[0]!r} is no host of an INI file"
            raise place.error(InventoryError, problem, hint)
        names, port = host_names(words[0])
        found = list(self._variables(words[1:], place))
        for name in names:
            yield HostEntry(name, group, place, port or None)
            yield from (VariableEntry(name, variable) for variable in found)

    def _variables(self, words: list[str], place: Place) -> Iterator[Variable]:
        for word in words:
            name, equals, text = word.partition("=")
            if not equals:
                hint = "quote a value that has spaces: name='a b'"
                problem = f"behind a host stands name=value, not {shown(word)}"
                raise place.error(InventoryError, problem, hint)
            yield self._variable(name, text, place)

    def _variable(self, name: str, text: str, place: Place) -> Variable:
        value = _value(text)
        here = Place(place.file, place.line, name)
        variable = Variable.of(name, value, here, text)
        if self._secret and isinstance(variable.value, str):
            return Variable(name, SecretStr(variable.value), here)
        return variable


def _words(line: str) -> list[str]:
    """The words of *line*, without the comment at its end.

    Raises:
        ValueError: a quotation does not end.
    """
    try:
        return shlex.split(line, comments=True)
    except ValueError as error:
        raise ValueError(f"{str(error).lower()} in {shown(line)}") from error


def _value(text: str) -> Any:
    """The value that *text* is in Python, else *text* itself.

    Raises:
        ValueError: it is neither.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return _plain(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return text
    except (TypeError, *TOO_DEEP) as error:
        raise ValueError(f"{shown(text)} cannot be read as a value") from error


def _plain(value: Any) -> Any:
    """*value* of Python as a value of YAML."""
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if value is ...:
        return "..."
    return str(value) if isinstance(value, complex) else value
