"""The example in docs/library.md runs as it is printed; its table has every verb."""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import provision
from provision import api, cli

PAGE = Path(__file__).parents[4] / "docs" / "library.md"
FENCE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def owned_by_this_user(code: str) -> str:
    """Files belong to root by default; tests may be run by somebody else."""
    if os.geteuid() == 0:
        return code
    owner = f'owner="{os.geteuid()}", group="{os.getegid()}"'
    return re.sub(r"(Directory|File)\(", rf"\1({owner}, ", code)


def test_it_plans_applies_and_finds_nothing_more_to_do(tmp_path: Path) -> None:
    blocks = FENCE.findall(PAGE.read_text())
    target = f"{tmp_path}/provision-example"
    code = "\n".join(blocks).replace("/tmp/provision-example", target)
    Path(target).mkdir()
    output, names = io.StringIO(), dict[str, Any]()
    with contextlib.redirect_stdout(output):
        exec(compile(owned_by_this_user(code), str(PAGE), "exec"), names)
    printed = output.getvalue()
    assert "2 changed, exit code 0" in printed
    assert "0 changed, 1 round trip" in printed
    assert "changed: here" not in printed, "the last apply had nothing to do"
    assert "0 to change with these credentials" in printed
    Path(target, "vault-password").write_text("correct horse")
    unattended, encrypted = names["unattended"], names["encrypted"]
    assert unattended.decrypt(encrypted).get_secret_value() == "hunter2"
    assert unattended.ask("who is there? ") is None
    assert Path(target, "notes/today.txt").read_text() == "Ray is up\n"
    assert Path(target, "notes").stat().st_mode & 0o777 == 0o750


def test_every_command_has_a_function_in_the_table() -> None:
    rows = [row for row in PAGE.read_text().splitlines() if row.startswith("| `")]
    commands = set(re.findall(r"`([a-z.]+)", " ".join(r.split("|")[3] for r in rows)))
    ours = {name for name in cli.namespace().task_names if not name.startswith("lab.")}
    assert ours == commands


def test_every_function_in_the_table_exists() -> None:
    rows = [row for row in PAGE.read_text().splitlines() if row.startswith("| `")]
    names = re.findall(r"`([a-z._]+)`", " ".join(row.split("|")[1] for row in rows))
    for name in names:
        place, _, verb = name.rpartition(".")
        assert callable(getattr(api if place else provision, verb)), name


def names_for_types(module: ModuleType) -> dict[str, str]:
    """The names that *module* imports for mypy only, and the module of each."""
    tree = ast.parse(Path(str(module.__file__)).read_text())
    blocks = [node for node in tree.body if isinstance(node, ast.If)]
    [block] = [node for node in blocks if ast.unparse(node.test) == "TYPE_CHECKING"]
    return {
        str(alias.asname): str(node.module).removeprefix("provision").lstrip(".")
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_a_name_has_the_same_module_for_mypy_and_when_it_is_used() -> None:
    assert names_for_types(api) == api._MODULES
    loaded = provision._MODULES | dict.fromkeys(provision._SUBMODULES, "")
    assert names_for_types(provision) == loaded


def test_every_public_name_loads() -> None:
    for module in (provision, api):
        for name in module.__all__:
            assert getattr(module, name)
