"""All shell text is what shellcheck accepts, as dash and as busybox.

It reads the text as it is sent: what a file needs is read first, what it uses comes before
it. A finding that is none is switched off at its line, with the reason.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from shells import samples

from provision.model.shell import Sh
from provision.model.shell_file import WORDS, ShellText, read_shell
from provision.model.step import Step

ROOT = Path(__file__).parents[2]
SHELLCHECK = Path(sys.executable).with_name("shellcheck")
PROGRAMS = [
    ROOT / "benchmarks/playbooks",
    ROOT / "playbooks/templates",
    ROOT / "provision/lab/supplies/data",
]
"""Folders of scripts that are run as they are."""
NOT_FOR_PARTS = {
    "SC2034": "a variable that one part sets is read by another",
    "SC2154": "all names are checked by tests/unit/steps/test_shell_files.py",
    "SC2317": "not every function of a file is called by all that use it",
    "SC2329": "the same",
}


def script(names: Iterable[str], text: str) -> str:
    """A script that knows nothing of the values of *names*."""
    return "\n".join([*(f"read -r {name}" for name in sorted(names)), text])


def sent_files() -> Iterator[tuple[str, str]]:
    """The name and the text of each file of shell that is sent."""
    for path in sorted((ROOT / "provision").rglob("*.sh")):
        if path.parent not in PROGRAMS:
            text = read_shell(str(path.with_name("module.py")), path.name)
            yield text.name, script(text.needs - {WORDS}, text)


def sent_constants() -> Iterator[tuple[str, str]]:
    """The kind and the text of each fragment that is a constant of a module."""
    for name, step in samples().items():
        for sh in fragments(step):
            if sh.text and not isinstance(sh.text, ShellText):
                yield f"{name} in Python", script(sh.params, sh.text)


def fragments(step: Step) -> Iterator[Sh]:
    yield step.probe()
    yield step.apply(step.plan({}))
    if evidence := step.evidence():
        yield evidence


def programs() -> Iterator[tuple[str, str]]:
    for folder in PROGRAMS:
        for path in sorted(folder.glob("*.sh")):
            yield str(path.relative_to(ROOT)), path.read_text()


def findings(
    dialect: str, scripts: Iterable[tuple[str, str]], folder: Path
) -> list[str]:
    """Return the findings of shellcheck in *scripts*, each with the line it is about."""
    texts = {}
    for number, (name, text) in enumerate(dict.fromkeys(scripts)):
        path = folder / f"{number}.sh"
        path.write_text(text)
        texts[str(path)] = (name, text.splitlines())
    words = [f"--shell={dialect}", f"--exclude={','.join(NOT_FOR_PARTS)}"]
    done = subprocess.run(
        [SHELLCHECK, "--format=json1", *words, *texts],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    return [
        f"{texts[one['file']][0]}: SC{one['code']} {one['message']}\n"
        f"    {texts[one['file']][1][one['line'] - 1].strip()}"
        for one in json.loads(done.stdout)["comments"]
    ]


@pytest.mark.parametrize("dialect", ["dash", "busybox"])
@pytest.mark.parametrize("source", [sent_files, sent_constants, programs])
def test_shellcheck_finds_nothing(dialect: str, source: object, tmp_path: Path) -> None:
    assert callable(source)
    found = findings(dialect, source(), tmp_path)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("dialect", ["dash", "busybox"])
def test_a_value_without_quotes_is_found(dialect: str, tmp_path: Path) -> None:
    [found] = findings(dialect, [("x.sh", script(["path"], "rm $path"))], tmp_path)
    assert found.startswith("x.sh: SC2086 ")
    assert found.endswith("    rm $path")
