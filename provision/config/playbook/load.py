"""Playbook files: found by name, read with what they import, checked as a whole."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from provision.config.playbook.group_rules import SIZES
from provision.config.playbook.play import Play, Playbook, StepEntry, StepKeys
from provision.config.registry import kinds, step_class
from provision.config.validation import problems
from provision.config.yaml_source import Source, Where, did_you_mean, shown
from provision.config.yaml_source import load as load_source
from provision.errors import InputError, PlaybookError
from provision.secrets.credentials import Credentials

FOLDER = "playbooks"
SUFFIXES = ("", ".yml", ".yaml")
BESIDE_KIND = tuple(StepKeys.model_fields)
M = TypeVar("M", bound=BaseModel)
Placed = tuple[Play, tuple[Source, Where]]


def find(name: str) -> Path:
    """The playbook called *name*: a path, or a name in `playbooks/`, here or ours.

    Raises:
        PlaybookError: there is none.
    """
    folders = (Path(), Path(FOLDER), *shipped())
    for folder in folders:
        for suffix in SUFFIXES:
            if (path := folder / f"{name}{suffix}").is_file():
                return path
    there = {file.stem for folder in folders[1:] for file in folder.glob("*.yml")}
    raise PlaybookError(
        f"there is no playbook {name!r}, here or in {FOLDER}/",
        hint=did_you_mean(name, there),
    )


def shipped() -> tuple[Path, ...]:
    """The folders where the playbooks of this package may be."""
    package = Path(__file__).parents[2]
    return package / FOLDER, package.parent / FOLDER


def load(path: Path, credentials: Credentials | None = None) -> Playbook:
    """Load the playbook in *path*, with what it imports.

    What is wrong with it is in its `problems`, which binding it raises together with
    what is wrong with its parameters.

    Args:
        path: the file.
        credentials: decrypt what is encrypted in it; without any, new ones.

    Raises:
        PlaybookError: the file cannot be read, or is not YAML.
    """
    reader = _Reader(credentials or Credentials())
    placed = list(reader.file(path, ()))
    problems = [*reader.errors, *_order_problems(placed, reader.refused)]
    return Playbook(
        plays=tuple(play for play, _ in placed),
        sources=tuple(source for _, source in placed),
        folder=path.parent,
        groups=reader.groups,
        problems=tuple(problems),
    )


class _Reader:
    """Reads plays; what is wrong is gathered in `errors`.

    Attributes:
        errors: all that is wrong.
        groups: the number of hosts of each group, from all entries `groups`.
        refused: the names of plays that are wrong.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self.errors: list[InputError] = []
        self.groups: dict[str, str] = {}
        self.refused: set[str] = set()

    def file(self, path: Path, importers: tuple[Path, ...]) -> Iterator[Placed]:
        """The plays of *path* and of the files it imports, in order."""
        source = load_source(
            path, PlaybookError, top="plays", credentials=self._credentials
        )
        entries = source.data
        if not isinstance(entries, list) or not entries:
            problem = "a playbook is a list of plays"
            self._wrong(source, (), problem, "begin with `- play: NAME`")
            return
        for number, entry in enumerate(entries):
            if isinstance(entry, Mapping) and "import" in entry:
                yield from self._import(source, number, entry, (*importers, path))
            elif isinstance(entry, Mapping) and "groups" in entry:
                self._groups(source, number, entry)
            elif play := self._play(source, number, entry):
                yield play, (source, (number,))
            elif isinstance(entry, Mapping):
                self.refused.add(str(entry.get("play")))

    def _wrong(
        self, source: Source, where: Where, problem: str, hint: str = ""
    ) -> None:
        self.errors.append(source.error(PlaybookError, where, problem, hint))

    def _import(
        self,
        source: Source,
        number: int,
        entry: Mapping[str, Any],
        importers: tuple[Path, ...],
    ) -> Iterator[Placed]:
        here: Where = (number, "import")
        if len(entry) > 1:
            self._wrong(source, here, "`import` stands alone", "nothing beside it")
            return
        path = importers[-1].parent / str(entry["import"])
        if path.resolve() in [importer.resolve() for importer in importers]:
            self._wrong(source, here, f"{path} imports itself")
        elif not path.is_file():
            self._wrong(source, here, f"there is no file {path}")
        else:
            yield from self.file(path, importers)

    def _groups(self, source: Source, number: int, entry: Mapping[str, Any]) -> None:
        here: Where = (number, "groups")
        rules = entry["groups"]
        if len(entry) > 1:
            self._wrong(source, here, "`groups` stands alone", "nothing beside it")
        elif not isinstance(rules, Mapping):
            hint = "write {servers: some, clients: any}"
            self._wrong(
                source, here, f"`groups` is a mapping, not {shown(rules)}", hint
            )
        else:
            for name, size in rules.items():
                self._group(source, (*here, str(name)), str(name), size)

    def _group(self, source: Source, here: Where, name: str, size: object) -> None:
        if not (isinstance(size, str) and size in SIZES):
            self._wrong(source, here, f"must be {_or(SIZES)}, not {shown(size)}")
        elif self.groups.setdefault(name, str(size)) != size:
            other = self.groups[name]
            problem = f"is {size} here, but {other} in an earlier entry `groups`"
            self._wrong(source, here, problem, "a playbook and its imports must agree")

    def _play(self, source: Source, number: int, entry: Any) -> Play | None:
        here: Where = (number,)
        if not isinstance(entry, Mapping):
            self._wrong(source, here, f"a play is a mapping, not {shown(entry)}")
            return None
        steps = entry.get("steps")
        if not isinstance(steps, Sequence) or isinstance(steps, str):
            problem = "a play has a list of `steps`"
            if "tasks" in entry:
                problem += ", not `tasks`"
            self._wrong(source, (*here, "steps"), problem)
            return None
        entries = [
            made
            for n, step in enumerate(steps)
            if (made := self._step(source, (*here, "steps", n), step))
        ]
        return self._made(Play, source, here, {**entry, "steps": entries})

    def _made(
        self, model: type[M], source: Source, here: Where, data: Mapping[str, Any]
    ) -> M | None:
        """Return a *model* of *data*; None: what is wrong with it was noted."""
        try:
            return model(**data)
        except ValidationError as error:
            for where, problem, hint in problems(error, model, data):
                text = problem.replace("unknown parameter", "unknown key of a play")
                self._wrong(source, (*here, *where), text, hint)
            return None

    def _step(self, source: Source, where: Where, entry: Any) -> StepEntry | None:
        if isinstance(entry, str):
            entry = {entry: None}
        if not isinstance(entry, Mapping):
            self._wrong(source, where, f"a step is a mapping, not {shown(entry)}")
            return None
        found = [str(key) for key in entry if key not in BESIDE_KIND]
        if len(found) != 1:
            self._wrong(source, where, *_kind_problem(found))
            return None
        kind, params = found[0], entry[found[0]]
        try:
            step_class(kind)
        except PlaybookError as error:
            self._wrong(source, (*where, kind), error.message, error.hint)
            return None
        if params is not None and not isinstance(params, Mapping):
            problem = f"{kind} takes parameters, not {shown(params)}"
            self._wrong(source, (*where, kind), problem, "write {name: value}")
            return None
        beside = self._made(StepKeys, source, where, _beside(entry))
        if beside is None:
            return None
        tags = frozenset(beside.tags)
        return StepEntry(kind, params or {}, source, where, beside.name, tags)


def _beside(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The keys beside the kind of a step; null is as if it was not there."""
    found = {key: entry.get(key) for key in BESIDE_KIND}
    return {key: value for key, value in found.items() if value is not None}


def _or(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}"


def _kind_problem(found: list[str]) -> tuple[str, str]:
    if not found:
        return "a step has a kind, such as `file:`", did_you_mean("", kinds())
    known = [kind for kind in found if kind in kinds()]
    odd = [kind for kind in found if kind not in known]
    if len(known) == 1:
        problem = f"unknown key {odd[0]!r} beside the step {known[0]!r}"
        return problem, did_you_mean(odd[0], BESIDE_KIND)
    return f"one step has one kind, not {', '.join(found)}", "make a step of each"


def _order_problems(
    placed: Sequence[Placed], refused: Collection[str]
) -> Iterator[InputError]:
    """Duplicate names, and gates behind plays that do not come before."""
    seen: list[str] = []
    for play, (source, where) in placed:
        if play.play in seen:
            problem = f"there are two plays called {play.play!r}"
            yield source.error(PlaybookError, (*where, "play"), problem)
        for name in play.after:
            if name not in seen and name not in refused:
                problem = f"no earlier play is called {name!r}"
                hint = did_you_mean(name, seen) or "it is the first play"
                yield source.error(PlaybookError, (*where, "after"), problem, hint)
        seen.append(play.play)


def declared(folder: Path, credentials: Credentials) -> Iterator[str]:
    """The variables that plays of any playbook in *folder*, or of a shipped one, declare.

    One inventory serves several playbooks: what one of them knows is no mistake.
    """
    folders = dict.fromkeys([folder, *shipped()])
    for path in (file for one in folders for file in sorted(one.glob("*.y*ml"))):
        try:
            source = load_source(path, PlaybookError, credentials=credentials)
        except InputError:
            continue
        entries = source.data
        for entry in entries if isinstance(entries, list) else ():
            variables = entry.get("vars") if isinstance(entry, Mapping) else None
            yield from map(str, variables if isinstance(variables, Mapping) else ())
