"""Shell files say in their header what they need, and steps pass just that."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from provision.config.registry import step_class
from provision.errors import RefusedError
from provision.model.shell import Sh
from provision.model.shell_file import ShellText, read_shell
from provision.model.step import Step

ROOT = Path(__file__).parents[3] / "provision"
FILES = [path for path in sorted(ROOT.rglob("*.sh")) if path.parent.name != "data"]
CASES = sorted((Path(__file__).parents[2] / "cases").glob("*/*.yml"))
USE = re.compile(r"\$\{?#?([a-z_][a-z0-9_]*)(?!:[A-Z])\b")
SUM = re.compile(r"\$\(\(([^$()]*)\)\)")
NAME = re.compile(r"[a-z_][a-z0-9_]*")
ASSIGNMENT = re.compile(r"(?:^|[\s;({!&|])([a-z_][a-z0-9_]*)=", re.MULTILINE)
FOR = re.compile(r"\bfor ([a-z_][a-z0-9_]*)\b")
PRINTF = re.compile(r"\bprintf -v ([a-z_]+)")
READ = re.compile(r"\bread(?: -r)?((?: [a-z_][a-z0-9_]*)+)")
WORDS = re.compile(r'"\$@"|\$#|for [a-z_]+; do')


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def shown(path: Path) -> ShellText:
    return read_shell(str(path.with_name("module.py")), path.name)


def assigned(text: str) -> set[str]:
    names = {*ASSIGNMENT.findall(text), *FOR.findall(text), *PRINTF.findall(text)}
    return names | {name for found in READ.findall(text) for name in found.split()}


def used(text: str) -> set[str]:
    """The lower-case variables that *text* reads; in sums they have no dollar sign."""
    sums = " ".join(SUM.findall(text))
    return {*USE.findall(text), *NAME.findall(sums)}


def unknown(text: ShellText) -> set[str]:
    """The lower-case variables that *text* uses and neither needs nor assigns."""
    return used(text) - assigned(text) - text.needs


def fragments(step: Step) -> Iterator[Sh]:
    """All shell of *step*: its probe, its evidence, and each of its changes."""
    yield step.probe()
    yield step.evidence() or step.probe()
    with contextlib.suppress(RefusedError):
        yield step.apply(step.plan({}))
    state = step.desired()
    for left_out in state:
        with contextlib.suppress(RefusedError):
            rest = {key: value for key, value in state.items() if key != left_out}
            yield step.apply(step.plan(rest))


@pytest.mark.parametrize("case", CASES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_a_step_passes_what_its_files_need(case: Path) -> None:
    params = yaml.safe_load(case.read_text())["params"]
    for sh in fragments(step_class(case.parent.name)(**params)):
        if isinstance(sh.text, ShellText):
            assert sh.params.keys() == sh.text.needs, sh.text.name
            assert not sh.args or sh.text.takes_words, sh.text.name


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_uses_no_variable_that_it_does_not_need(path: Path) -> None:
    assert unknown(shown(path)) == set()


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_needs_no_variable_that_nothing_uses(path: Path) -> None:
    text = shown(path)
    assert text.needs - used(text) == set()
    assert not text.takes_words or WORDS.search(text)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_is_sent_by_a_module_or_used_by_a_file(path: Path) -> None:
    quoted, others = f'"{path.name}")', {*FILES} - {path}
    assert any(
        quoted in module.read_text() for module in path.parent.glob("*.py")
    ) or any(
        re.search(rf"# uses:.*\b{re.escape(path.name)}\b", other.read_text())
        for other in others
    )


def test_a_variable_that_is_not_needed_is_noticed() -> None:
    text = ShellText(
        'mode=1; for a in $b; do read -r c d; done; ls "$path" "${mode}" $c'
    )
    text.needs = frozenset({"path"})
    assert unknown(text) == {"b"}
