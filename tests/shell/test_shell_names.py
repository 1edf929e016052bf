"""No function of a shell file sets a variable that another file keeps.

The files of a fragment are one text, whose functions share all variables: one that a function
sets is another one afterwards for who called it. A file may read what a function sets for it,
and keeps what it sets itself, or what it needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from provision.model.shell_file import LIBRARY, WORDS

ROOT = Path(__file__).parents[2] / "provision"
FILES = [path for path in sorted(ROOT.rglob("*.sh")) if path.parent.name != "data"]
BEGIN = re.compile(r"^([a-z_][a-z0-9_]*)\(\) ([({])(.*)$")
ENTRY = re.compile(r"^# (needs|uses):(.*)$", re.MULTILINE)
COMMENT = re.compile(r"(^|\s)#.*")
QUOTED = re.compile(r"'[^']*'", re.DOTALL)
SUBSHELL = re.compile(r"\$?\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)", re.DOTALL)
ASSIGNMENT = re.compile(r"(?:^|[\s;({!&|])([a-z_][a-z0-9_]*)=", re.MULTILINE)
DEFAULT = re.compile(r"\$\{([a-z_][a-z0-9_]*):?=")
FOR = re.compile(r"\bfor ([a-z_][a-z0-9_]*)\b")
READ = re.compile(r"\bread(?: -r)?((?: [a-z_][a-z0-9_]*)+)")
WORD = re.compile(r"(?<![$\w{./-])([a-z_][a-z0-9_]*)(?![\w=])")
CASE = re.compile(r"^\s*[^()\n$]*\)", re.MULTILINE)
"""The pattern before an entry of `case`."""
PIPED = re.compile(r"\| *(?:while|\{).*?^ *(?:done|\})", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Function:
    """A function: the variables that it sets for who calls it, and the words in it."""

    sets: frozenset[str]
    words: frozenset[str]


@dataclass(frozen=True)
class Part:
    """One file: its functions, what it keeps, and the words by which it calls others."""

    name: str
    functions: Mapping[str, Function] = field(default_factory=dict)
    keeps: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()


def assigned(text: str) -> frozenset[str]:
    """The variables that *text* sets in the shell that runs it, and in none below it."""
    text = PIPED.sub("", text)
    text = SUBSHELL.sub("", text)
    read = [name for found in READ.findall(text) for name in found.split()]
    single = [ASSIGNMENT, DEFAULT, FOR]
    names = {name for pattern in single for name in pattern.findall(text)}
    return frozenset({*names, *read} - {"_"})


def divided(text: str) -> Iterator[tuple[str, str]]:
    """Yield each function's name and body, and then "" and all that is in none."""
    rest: list[str] = []
    lines = iter(text.splitlines())
    for line in lines:
        match = BEGIN.match(line)
        if not match:
            rest.append(line)
            continue
        name, bracket, body = match.groups()
        close = ")" if bracket == "(" else "}"
        taken = [body]
        if not body.rstrip().endswith(close) or not body.strip():
            for inner in lines:
                if inner.rstrip() == close:
                    break
                taken.append(inner)
        # What is set in a shell below is set for nobody else.
        whole = "\n".join(taken)
        yield name, f"(\n{whole}\n)" if bracket == "(" else whole
    yield "", "\n".join(rest)


def read_part(name: str, text: str) -> Part:
    """Read the shell *text* of the file *name*."""
    about = dict(ENTRY.findall(text))
    needs = {word.strip() for word in about.get("needs", "").split(",")} - {"", WORDS}
    code = QUOTED.sub("''", COMMENT.sub("", text))
    functions = {}
    keeps, words = set(needs), set[str]()
    for function, body in divided(code):
        sets = assigned(body)
        called = frozenset(WORD.findall(CASE.sub("", body)))
        keeps |= sets
        words |= called
        if function:
            functions[function] = Function(sets, called)
    return Part(name, functions, frozenset(keeps), frozenset(words))


@cache
def part_of(path: Path) -> Part:
    return read_part(str(path.relative_to(ROOT)), path.read_text())


def uses(path: Path) -> Iterator[Path]:
    for line in dict(ENTRY.findall(path.read_text())).get("uses", "").split(","):
        if name := line.strip():
            beside = path.parent / name
            yield beside if beside.exists() else LIBRARY / name


def closure(path: Path, seen: dict[Path, None]) -> dict[Path, None]:
    """Return *path* and all files that it uses."""
    for used in uses(path):
        if used not in seen:
            closure(used, seen)
    seen[path] = None
    return seen


def conflicts(parts: list[Part]) -> Iterator[str]:
    """Yield what a file of a fragment keeps, and a function of another that it calls sets."""
    known = {name: (part, f) for part in parts for name, f in part.functions.items()}

    def reach(words: frozenset[str], seen: set[str]) -> set[str]:
        for name in words & known.keys():
            if name not in seen:
                seen.add(name)
                reach(known[name][1].words, seen)
        return seen

    for part in parts:
        for name in sorted(reach(part.words, set())):
            owner, function = known[name]
            if owner is not part and (both := function.sets & part.keeps):
                yield f"{owner.name}: {name} sets {', '.join(sorted(both))} of {part.name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_function_sets_what_another_file_keeps(path: Path) -> None:
    parts = [part_of(one) for one in closure(path, {})]
    assert list(conflicts(parts)) == []


CALLER = "# needs: name\nwork\necho $name\n"


@pytest.mark.parametrize(
    ("functions", "sets"),
    [
        ("work() { for name in a b; do :; done; }", True),
        ("work() {\n    deeper\n}\ndeeper() {\n    read -r _ name\n}", True),
        ('work() { [ -n "$x" ] || name=1; }', True),
        ('work() { : "${name:=1}"; }', True),
        ("work() {\n    name=1\n    return 0\n}", True),
        ("work() (\n    name=1\n)", False),
        ("work() { x=$(name=1; echo $name); }", False),
        ("work() {\n    ls | while read -r name; do\n        :\n    done\n}", False),
        ("work() { echo 'name=1'; }", False),
        ("work() { :; }\nother() { name=1; }", False),
    ],
)
def test_what_a_function_sets_is_found(functions: str, sets: bool) -> None:
    parts = [read_part("library", functions), read_part("caller", CALLER)]
    found = ["library: work sets name of caller"] if "deeper" not in functions else None
    found = found or ["library: deeper sets name of caller"]
    assert list(conflicts(parts)) == (found if sets else [])


def test_what_a_function_sets_for_its_caller_is_no_conflict() -> None:
    parts = [read_part("library", "seek() { name=1; }")]
    assert list(conflicts([*parts, read_part("caller", "seek\necho $name")])) == []
