"""Shell text is constant: the syntax tree of every module is searched for exceptions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3] / "provision"
MODULES = sorted(ROOT.rglob("*.py"))
MADE_BY = {"Sh", "Sh.of", "Sh.mergeable_probe"}
"""Functions that make a fragment of their first argument."""
READ_BY = "read_shell"


def fragments(tree: ast.AST) -> Iterator[ast.Call]:
    """Every call that makes a fragment or gives it another text."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        replaces_text = "replace" in name and any(
            k.arg == "text" for k in node.keywords
        )
        if name in MADE_BY | {READ_BY, "ShellText"} or replaces_text:
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
    """Tell whether *text* is a string, a file, a constant of a module, or their sum."""
    match text:
        case ast.Constant(value=str()):
            return True
        case ast.Name(id=name) if name.isupper() and name in known:
            value = known[name]
            return value is None or is_constant(value, known)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return is_constant(left, known) and is_constant(right, known)
        case ast.Call(func=ast.Name(id="read_shell")):
            return reads_constant(text)
    return False


def reads_constant(call: ast.Call) -> bool:
    """Tell whether *call* reads a file that is named where it is called."""
    match call.args:
        case [ast.Name(id="__file__"), ast.Constant(value=str())]:
            return not call.keywords
    return False


def is_right(call: ast.Call, known: dict[str, ast.expr | None]) -> bool:
    """Tell whether the text that *call* takes is constant."""
    name = ast.unparse(call.func)
    if name == READ_BY:
        return reads_constant(call)
    if name not in MADE_BY or not call.args or isinstance(call.args[0], ast.BinOp):
        return False
    return is_constant(call.args[0], known)


def wrong(source: str) -> list[str]:
    tree = ast.parse(source)
    known = constants(tree)
    return [
        f"line {call.lineno}: {ast.unparse(call)}"
        for call in fragments(tree)
        if not is_right(call, known)
    ]


ALLOWED = {
    "model/shell_file.py": ["ShellText(''.join(parts.values()))"],
    "transport/watchdog.py": [
        "replace(script, text=f'{{\\n{watchdog}\\n{script.text}\\nexit\\n}}\\n')"
    ],
}
"""Modules that make a text of files, or put code of ours around a whole script."""


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_shell_text_is_a_constant(path: Path) -> None:
    allowed = ALLOWED.get(str(path.relative_to(ROOT)), [])
    found = wrong(path.read_text())
    assert [call.partition(": ")[2] for call in found] == allowed


@pytest.mark.parametrize("made_by", sorted(MADE_BY))
@pytest.mark.parametrize(
    "code",
    [
        'Sh.of(f"rm {path}")',
        'Sh.of("rm " + path)',
        'Sh.of("rm %s" % path)',
        'Sh.of("rm {}".format(path))',
        "Sh.of(text)",
        "Sh.of()",
        'TEXT = f"rm {path}"\nSh.of(TEXT)',
        'TEXT = PART + path\nPART = "rm "\nSh.of(TEXT)',
        "def f(TEXT):\n    Sh.of(TEXT)",
        'Sh.of(text="rm")',
        "TEXT = read_text(__file__, 'a.sh')\nSh.of(TEXT)",
    ],
)
def test_made_up_shell_text_is_found(code: str, made_by: str) -> None:
    assert len(wrong(code.replace("Sh.of", made_by))) == 1


@pytest.mark.parametrize(
    "code",
    [
        "read_shell(__file__, name)",
        "read_shell(path, 'a.sh')",
        'read_shell(__file__, f"{kind}.sh")',
        "read_shell(__file__, file='a.sh')",
        "replace(sh, text=made)",
        "ShellText(made)",
    ],
)
def test_a_made_up_file_or_text_is_found(code: str) -> None:
    assert len(wrong(code)) == 1


@pytest.mark.parametrize("made_by", sorted(MADE_BY))
@pytest.mark.parametrize(
    "code",
    [
        'Sh.of("true")',
        'A = "a"\nB = A + "b"\nSh.of(B, path="x")',
        "from x import A\nSh.of(A)",
        'A = read_shell(__file__, "a.sh")\nSh.of(A)',
        "replace(sh, args=words)",
    ],
)
def test_constant_shell_text_passes(code: str, made_by: str) -> None:
    assert wrong(code.replace("Sh.of", made_by)) == []
