"""No secret outlives who asked for it: no cache of the process, no write to its environment."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[3] / "provision"
FILES = sorted(PACKAGE.rglob("*.py"))
WRITERS = {"setdefault", "update", "pop", "popitem", "clear"}
ALLOWED = {"os.environ.setdefault('PYDANTIC_DISABLE_PLUGINS', '__all__')"}
"""A switch of a library, for speed, that can only be set in this way."""


def name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def writes(source: str) -> Iterator[str]:
    """Yield the code in *source* that changes the environment of the process."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Subscript(ctx=ast.Store() | ast.Del(), value=place):
                changed = ast.unparse(place) == "os.environ"
            case ast.Call(func=ast.Attribute(value=place, attr=verb)):
                where = ast.unparse(place)
                changed = (where == "os.environ" and verb in WRITERS) or (
                    where == "os" and verb in {"putenv", "unsetenv"}
                )
            case ast.AugAssign(target=place):
                changed = ast.unparse(place) == "os.environ"
            case _:
                changed = False
        if changed:
            yield ast.unparse(node)


def caches(source: str) -> list[str]:
    """Return the functions in *source* whose results are kept for the process."""
    return [
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if "cache" in ast.unparse(decorator).replace("cached_property", "")
    ]


@pytest.mark.parametrize("path", FILES, ids=name)
def test_the_environment_is_read_and_never_written(path: Path) -> None:
    assert set(writes(path.read_text())) <= ALLOWED


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.parent.name in {"secrets", "cli"}], ids=name
)
def test_nothing_secret_is_kept_for_the_process(path: Path) -> None:
    assert caches(path.read_text()) == []


@pytest.mark.parametrize(
    "line",
    [
        "os.environ['A'] = 'b'",
        "del os.environ['A']",
        "os.environ.update(A='b')",
        "os.putenv('A', 'b')",
        "os.environ |= {}",
    ],
)
def test_a_write_is_found(line: str) -> None:
    assert [*writes(line)]


def test_a_cache_is_found() -> None:
    assert caches("@functools.lru_cache(maxsize=1)\ndef typed(): ...") == ["typed"]
