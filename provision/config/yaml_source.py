"""YAML that remembers where it was written, so that every error can say the line.

A file that is JSON is read as JSON. Ansible's tags are known: `!vault` and `!unsafe`.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from provision.config.file_text import opened, read, short_name
from provision.config.json_text import NOT_JSON, Unsafe, from_json, hidden
from provision.config.spelling import nearest
from provision.errors import InputError, SecretError
from provision.invocation import program
from provision.model.fields import WrittenFloat, WrittenInt
from provision.secrets.credentials import Credentials
from provision.secrets.vault import is_encrypted

_Loader: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
"""The one in C reads a playbook in a tenth of the time; the nodes are the same."""

CORE = "tag:yaml.org,2002:"
TEXTS = {f"{CORE}{name}" for name in ("timestamp", "value", "merge")}
"""Tags of scalars that are text here, though YAML has other uses for some."""
SHOWN = 60
"""Characters of a wrong value that are shown."""
KNOWN = 300
"""Characters of a list of what is known."""
VAULT = ("!vault", "!vault-encrypted")
PAIRS = (f"{CORE}omap", f"{CORE}pairs")
Where = tuple[str | int, ...]
"""The way to a value: keys and list positions from the top."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file, for errors about what is there.

    Attributes:
        file: its name; "" when the data was made in Python.
        line: the line; 0 = not known.
        path: the way to the value, as a person writes it.
    """

    file: str = ""
    line: int = 0
    path: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file

    def error(self, kind: type[InputError], problem: str, hint: str = "") -> InputError:
        """Return an error about what is here."""
        return kind(problem, hint=hint, file=self.file, line=self.line, path=self.path)


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed document.

    Attributes:
        file: its name for errors; "" when the data was made in Python.
        data: plain dictionaries, lists and scalars.
        lines: the line of each value, by its way from the top.
        top: what the top of the document is called in errors.
        written: what was written for each value that YAML took for no text.
        written_keys: the same for keys.
        typed: what was written for each key that is no text, by its way with the text
            that Python makes of it.
    """

    file: str
    data: Any
    lines: Mapping[Where, int] = field(default_factory=dict, repr=False)
    top: str = ""
    written: Mapping[Where, str] = field(default_factory=dict, repr=False)
    written_keys: Mapping[Where, str] = field(default_factory=dict, repr=False)
    typed: Mapping[Where, str] = field(default_factory=dict, repr=False)

    def below(self, where: Where, key: object) -> Where:
        """Return the way to what *key* of the mapping at *where* has, as it was written."""
        found = (*where, str(key))
        return (
            found if isinstance(key, str) else (*where, self.typed.get(found, str(key)))
        )

    def line(self, where: Where) -> int:
        """The line of the value at *where*, or of the nearest one around it."""
        for end in range(len(where), -1, -1):
            if where[:end] in self.lines:
                return self.lines[where[:end]]
        return 0

    def at(self, where: Where) -> Place:
        """Return the place of the value at *where*."""
        return Place(self.file, self.line(where), way(where, self.top))

    def place(self, where: Where) -> str:
        """`file:line` of the value at *where*."""
        return str(self.at(where))

    def error(
        self, kind: type[InputError], where: Where, problem: str, hint: str = ""
    ) -> InputError:
        """An error about the value at *where*."""
        return self.at(where).error(kind, problem, hint)


def way(where: Where, top: str = "") -> str:
    """*where* as a person writes it: `plays[1].steps[0].file.mode`."""
    text = top
    for part in where:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def load(
    path: Path,
    kind: type[InputError],
    *,
    top: str = "",
    credentials: Credentials | None = None,
    typed_keys: bool = False,
) -> Source:
    """Read the YAML file *path*; one that is encrypted as a whole has secrets only.

    Args:
        path: the file.
        kind: the class of errors about it.
        top: the name of the top of the document in errors.
        credentials: decrypt what is encrypted; without any, new ones.
        typed_keys: see `parse`.

    Raises:
        InputError: of *kind*: it cannot be read, or is not YAML.
        SecretError: it is encrypted, and cannot be decrypted.
    """
    credentials = credentials or Credentials()
    text, secret = opened(path, read(path, kind), kind, credentials)
    return parse(
        text,
        kind,
        file=short_name(path),
        top=top,
        secret=secret,
        credentials=credentials,
        typed_keys=typed_keys,
    )


def parse(
    text: str,
    kind: type[InputError],
    *,
    file: str,
    top: str = "",
    secret: bool = False,
    credentials: Credentials | None = None,
    typed_keys: bool = False,
) -> Source:
    """Read YAML from *text*; duplicate keys are refused.

    Values with the tag `!vault` are decrypted with *credentials*. They, and with *secret*
    all values that are text, are `SecretStr`. Keys are text, as written; with
    *typed_keys* they are what YAML takes them for, as in Ansible's variables.

    Raises:
        InputError: of *kind*.
        SecretError: a value cannot be decrypted.
    """
    credentials = credentials or Credentials()
    builder = _Builder(text, kind, file, secret, credentials, typed_keys)
    data = from_json(text, credentials)
    try:
        if data is NOT_JSON:
            data = builder.document()
        else:
            data = hidden(data) if secret else data
            # Only for the lines; JSON may have tabs, which YAML may not.
            with contextlib.suppress(yaml.YAMLError):
                builder.document()
        return builder.source(data, top)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem, hint = f"not valid YAML: {error.problem or error.context}", ""
        if mark and _at_tab(text, mark):
            problem, hint = "not valid YAML: there is a tab", "indent with spaces"
        line = mark.line + 1 if mark else 0
        raise kind(problem, hint=hint, file=file, line=line) from error
    except yaml.YAMLError as error:
        raise kind(f"not valid YAML: {error}", file=file) from error
    except RecursionError as error:
        raise kind("not valid YAML: it is nested too deeply", file=file) from error


def _at_tab(text: str, mark: yaml.Mark) -> bool:
    """Return True if there is a tab at *mark*, or before its line begins."""
    line = [*text.splitlines(), ""][mark.line]
    indent = line[: len(line) - len(line.lstrip())]
    return "\t" in indent + line[mark.column : mark.column + 1]


class _Builder:
    """Makes plain data of YAML nodes and notes the line of each."""

    def __init__(
        self,
        text: str,
        kind: type[InputError],
        file: str,
        secret: bool,
        credentials: Credentials,
        typed_keys: bool,
    ) -> None:
        self.loader = _Loader(text)
        self.lines: dict[Where, int] = {}
        self.written: dict[Where, str] = {}
        self.written_keys: dict[Where, str] = {}
        self.typed: dict[Where, str] = {}
        self._kind = kind
        self._file = file
        self._secret = secret
        self._credentials = credentials
        self._typed_keys = typed_keys
        self._unsafe = False
        self._checked: set[int] = set()
        self._open: set[int] = set()

    def source(self, data: Any, top: str) -> Source:
        """Return *data* with what was noted of it."""
        keys = self.written_keys, self.typed
        return Source(self._file, data, self.lines, top, self.written, *keys)

    def document(self) -> Any:
        node = self.loader.get_single_node()
        return None if node is None else self._value(node, ())

    def _value(self, node: yaml.Node, where: Where) -> Any:
        self.lines.setdefault(where, node.start_mark.line + 1)
        if id(node) in self._open:
            raise self._kind(
                "an alias contains itself",
                file=self._file,
                line=node.start_mark.line + 1,
            )
        self._open.add(id(node))
        try:
            return self._plain(node, where)
        finally:
            self._open.remove(id(node))

    def _plain(self, node: yaml.Node, where: Where) -> Any:
        if node.tag in VAULT:
            return self._decrypted(node)
        if node.tag == "!unsafe":
            return self._without_templates(node, where)
        if isinstance(node, yaml.MappingNode):
            found = self._mapping(node, where)
            return [*found] if node.tag == f"{CORE}set" else found
        if isinstance(node, yaml.SequenceNode):
            return self._sequence(node, where)
        return self._leaf(node, where)

    def _leaf(self, node: yaml.Node, where: Where) -> Any:
        value = self._scalar(node)
        if not isinstance(value, str):
            self.written[where] = node.value
            return value
        if self._secret:
            return SecretStr(value)
        return Unsafe(value) if self._unsafe else value

    def _sequence(self, node: yaml.SequenceNode, where: Where) -> list[Any]:
        self._refuse_tag(node, f"{CORE}seq", *PAIRS)
        items = enumerate(node.value)
        found = [self._value(item, (*where, number)) for number, item in items]
        if node.tag not in PAIRS:
            return found
        if not all(isinstance(item, dict) and len(item) == 1 for item in found):
            raise self._at(node, "must be a list of single entries")
        return [list(*item.items()) for item in found]

    def _without_templates(self, node: yaml.Node, where: Where) -> Any:
        """The value of a node with `!unsafe`, in which nothing is a template."""
        outer, self._unsafe = self._unsafe, True
        plain = copy.copy(node)
        plain.tag = self.loader.resolve(type(node), node.value, (True, False))
        try:
            return self._plain(plain, where)
        finally:
            self._unsafe = outer

    def _refuse_tag(self, node: yaml.Node, *known: str) -> None:
        if node.tag not in known:
            raise self._at(node, f"the tag {node.tag} is not known here")

    def _scalar(self, node: yaml.Node) -> Any:
        """The value of *node*; a number knows how it was written."""
        if node.tag in TEXTS:
            return node.value
        try:
            value = self.loader.construct_object(node)
        except ValueError:
            problem = f"{shown(node.value)} is no {node.tag.removeprefix(CORE)}"
            raise self._at(node, problem, "quote it if it is text") from None
        if isinstance(value, int) and not isinstance(value, bool):
            return WrittenInt(value, node.value)
        return WrittenFloat(value, node.value) if isinstance(value, float) else value

    def _decrypted(self, node: yaml.Node) -> SecretStr:
        line = node.start_mark.line + 1
        if not (isinstance(node, yaml.ScalarNode) and is_encrypted(node.value)):
            problem = f"the value of {node.tag} is not encrypted"
            hint = f"`{program()} encrypt` makes one, as does `ansible-vault encrypt_string`"
            raise SecretError(problem, hint=hint, file=self._file, line=line)
        try:
            return self._credentials.decrypt(node.value)
        except SecretError as error:
            error.file, error.line = error.file or self._file, error.line or line
            raise

    def _mapping(self, node: yaml.MappingNode, where: Where) -> dict[Any, Any]:
        self._refuse_tag(node, f"{CORE}map", f"{CORE}set")
        if id(node) not in self._checked:
            # Once: flattening puts merged keys beside the node's own.
            self._checked.add(id(node))
            self._refuse_duplicates(node)
            self.loader.flatten_mapping(node)
        result = {}
        for key_node, value_node in node.value:
            here = (*where, self._key(key_node))
            result[self._noted_key(key_node, here)] = self._value(value_node, here)
        return result

    def _noted_key(self, node: yaml.Node, here: Where) -> Any:
        """Return the key that *node* is, and note how and where it was written."""
        text = str(here[-1])
        self.lines[here] = node.start_mark.line + 1
        if node.tag != f"{CORE}str":
            self.written_keys[here] = text
        key = self._scalar(node) if self._typed_keys else text
        if not isinstance(key, str):
            self.typed[*here[:-1], str(key)] = text
        return key

    def _key(self, node: yaml.Node) -> str:
        """The text of a key, as it was written, whatever YAML takes it for."""
        if not (isinstance(node, yaml.ScalarNode) and node.tag.startswith(CORE)):
            raise self._at(node, "a key must be a single word")
        return str(node.value)

    def _refuse_duplicates(self, node: yaml.MappingNode) -> None:
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key in seen and key != "<<":
                problem = f"{key!r} is there twice, first in line {seen[key]}"
                raise self._at(key_node, problem)
            seen[key] = line

    def _at(self, node: yaml.Node, problem: str, hint: str = "") -> InputError:
        line = node.start_mark.line + 1
        return self._kind(problem, hint=hint, file=self._file, line=line)


def shown(value: object) -> str:
    """Return *value* for a message: in YAML's words, and not all of it when it is long."""
    if isinstance(value, SecretStr):
        return "a secret"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return shortened(repr(value), SHOWN)


def shortened(text: str, length: int) -> str:
    """Return at most *length* characters of *text*."""
    return text if len(text) <= length else f"{text[:length]}..."


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """A hint when *word* is nearly one of *choices*; else their list if it is short."""
    known = sorted(set(choices))
    if near := nearest(word, known):
        return f"did you mean {near!r}?"
    names = ", ".join(known)
    return f"known: {names}" if 0 < len(known) <= 20 and len(names) <= KNOWN else ""
