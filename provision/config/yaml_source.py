"""YAML that remembers where it was written, so that every error can say the line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

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
Where = tuple[str | int, ...]
"""The way to a value: keys and list positions from the top."""


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed document.

    Attributes:
        file: its name for errors; "" when the data was made in Python.
        data: plain dictionaries, lists and scalars.
        lines: the line of each value, by its way from the top.
        top: what the top of the document is called in errors.
    """

    file: str
    data: Any
    lines: Mapping[Where, int] = field(default_factory=dict, repr=False)
    top: str = ""

    def line(self, where: Where) -> int:
        """The line of the value at *where*, or of the nearest one around it."""
        for end in range(len(where), -1, -1):
            if where[:end] in self.lines:
                return self.lines[where[:end]]
        return 0

    def place(self, where: Where) -> str:
        """`file:line` of the value at *where*."""
        line = self.line(where)
        return f"{self.file}:{line}" if line else self.file

    def error(
        self, kind: type[InputError], where: Where, problem: str, hint: str = ""
    ) -> InputError:
        """An error about the value at *where*."""
        path = way(where, self.top)
        return kind(
            problem, hint=hint, file=self.file, line=self.line(where), path=path
        )


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
) -> Source:
    """Read the YAML file *path*; one that is encrypted as a whole has secrets only.

    Args:
        path: the file.
        kind: the class of errors about it.
        top: the name of the top of the document in errors.
        credentials: decrypt what is encrypted; without any, new ones.

    Raises:
        InputError: of *kind*: it cannot be read, or is not YAML.
        SecretError: it is encrypted, and cannot be decrypted.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise kind("there is no such file", file=str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise kind(f"cannot be read: {error}", file=str(path)) from error
    if not is_encrypted(text):
        shown = _shown(path)
        return parse(text, kind, file=shown, top=top, credentials=credentials)
    credentials = credentials or Credentials()
    try:
        opened = credentials.decrypt(text).get_secret_value()
    except SecretError as error:
        error.file = _shown(path)
        raise
    return parse(
        opened, kind, file=_shown(path), top=top, secret=True, credentials=credentials
    )


def _shown(path: Path) -> str:
    """*path* as short as the current directory allows."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def parse(
    text: str,
    kind: type[InputError],
    *,
    file: str,
    top: str = "",
    secret: bool = False,
    credentials: Credentials | None = None,
) -> Source:
    """Read YAML from *text*; duplicate keys are refused.

    Values with the tag `!vault` are decrypted with *credentials*. They, and with *secret*
    all values that are text, are `SecretStr`.

    Raises:
        InputError: of *kind*.
        SecretError: a value cannot be decrypted.
    """
    try:
        builder = _Builder(text, kind, file, secret, credentials or Credentials())
        return Source(file, builder.document(), builder.lines, top)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem, hint = f"not valid YAML: {error.problem or error.context}", ""
        if mark and _at_tab(text, mark):
            problem, hint = "not valid YAML: there is a tab", "indent with spaces"
        line = mark.line + 1 if mark else 0
        raise kind(problem, hint=hint, file=file, line=line) from error
    except yaml.YAMLError as error:
        raise kind(f"not valid YAML: {error}", file=file) from error


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
    ) -> None:
        self.loader = _Loader(text)
        self.lines: dict[Where, int] = {}
        self._kind = kind
        self._file = file
        self._secret = secret
        self._credentials = credentials
        self._checked: set[int] = set()
        self._open: set[int] = set()

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
        if node.tag == "!vault":
            return self._decrypted(node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, where)
        if isinstance(node, yaml.SequenceNode):
            items = enumerate(node.value)
            return [self._value(item, (*where, number)) for number, item in items]
        value = self._scalar(node)
        return SecretStr(value) if self._secret and isinstance(value, str) else value

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
            problem = "the value of !vault is not encrypted"
            hint = f"`{program()} encrypt` makes one, as does `ansible-vault encrypt_string`"
            raise SecretError(problem, hint=hint, file=self._file, line=line)
        try:
            return self._credentials.decrypt(node.value)
        except SecretError as error:
            error.file, error.line = error.file or self._file, error.line or line
            raise

    def _mapping(self, node: yaml.MappingNode, where: Where) -> dict[str, Any]:
        if id(node) not in self._checked:
            # Once: flattening puts merged keys beside the node's own.
            self._checked.add(id(node))
            self._refuse_duplicates(node)
            self.loader.flatten_mapping(node)
        result = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            here = (*where, key)
            self.lines[here] = key_node.start_mark.line + 1
            result[key] = self._value(value_node, here)
        return result

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
