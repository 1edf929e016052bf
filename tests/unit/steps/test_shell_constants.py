"""Shell text is constant: the syntax tree of every module is searched for exceptions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3] / "provision"
MODULES = sorted(ROOT.rglob("*.py"))


def fragments(tree: ast.AST) -> Iterator[ast.Call]:
    """Every `Sh.of(...)` and `Sh(...)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"Sh.of", "Sh"}:
            yield node


def constants(tree: ast.Module) -> dict[str, ast.expr | None]:
    """Names of the module with what they are; None = imported."""
    found: dict[str, ast.expr | None] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: None for alias in node.names}
        elif isinstance(node, ast.Assign):
            found |= {ast.unparse(target): node.value for target in node.targets}
    return found


def is_constant(text: ast.expr, known: dict[str, ast.expr | None]) -> bool:
    """Whether *text* is a string, a constant of a module, or a sum of such."""
    match text:
        case ast.Constant(value=str()):
            return True
        case ast.Name(id=name) if name.isupper() and name in known:
            value = known[name]
            return value is None or is_constant(value, known)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return is_constant(left, known) and is_constant(right, known)
    return False


def wrong(source: str) -> list[str]:
    tree = ast.parse(source)
    known = constants(tree)
    return [
        f"line {call.lineno}: {ast.unparse(call)}"
        for call in fragments(tree)
        if not call.args
        or isinstance(call.args[0], ast.BinOp)
        or not is_constant(call.args[0], known)
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_shell_text_is_a_constant(path: Path) -> None:
    assert wrong(path.read_text()) == []


@pytest.mark.parametrize(
    "code",
    [
        'Sh.of(f"rm {path}")',
        'Sh.of("rm " + path)',
        'Sh.of("rm %s" % path)',
        'Sh.of("rm {}".format(path))',
        "Sh.of(text)",
        'TEXT = f"rm {path}"\nSh.of(TEXT)',
        'TEXT = PART + path\nPART = "rm "\nSh.of(TEXT)',
        "def f(TEXT):\n    Sh.of(TEXT)",
        'Sh.of(text="rm")',
    ],
)
def test_made_up_shell_text_is_found(code: str) -> None:
    assert len(wrong(code)) == 1


@pytest.mark.parametrize(
    "code",
    [
        'Sh.of("true")',
        'A = "a"\nB = A + "b"\nSh.of(B, path="x")',
        "from x import A\nSh.of(A)",
    ],
)
def test_constant_shell_text_passes(code: str) -> None:
    assert wrong(code) == []
