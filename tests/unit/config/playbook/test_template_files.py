"""Files beside a playbook as text in its values."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from provision.config import playbook as playbooks
from provision.config.inventory import Inventory
from provision.config.playbook.template_files import functions
from provision.config.templating import Scope
from provision.errors import InputError, RenderError
from provision.model.step import Step
from provision.secrets.credentials import Credentials
from provision.secrets.store import SecretMode, Secrets

BOOK = """\
- play: notes
  hosts: all
  vars: {port: 9090, token: "{{ secret('token') }}"}
  steps:
    - file: {path: /srv/note, content: "{{ CALL }}"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "templates").mkdir()
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    (folder / "templates" / name).write_text(text)


def bound(folder: Path, call: str) -> Step:
    """The one step of a playbook in *folder*, whose content is *call*."""
    (folder / "book.yml").write_text(BOOK.replace("CALL", call))
    lab = Inventory.parse({"head": {"hosts": {"node1": {"address": "10.0.0.1"}}}})
    secrets = Secrets(
        folder / "secrets", SecretMode.GENERATE, Credentials(environment={})
    )
    book = playbooks.load(folder / "book.yml")
    [step] = playbooks.bind(book, lab, secrets=secrets).plays[0].steps["node1"]
    return step.step


def content(folder: Path, call: str) -> object:
    return bound(folder, call).content  # type: ignore[attr-defined]


def refusal(folder: Path, call: str) -> str:
    with pytest.raises(InputError) as caught:
        bound(folder, call)
    return str(caught.value).replace(f"{folder}/", "")


def test_a_template_has_the_variables_of_its_play_and_host(folder: Path) -> None:
    write(
        folder, "a.j2", "{% for h in groups.head %}{{ h.name }}:{{ port }}{% endfor %}"
    )
    assert content(folder, "template('a.j2')") == "node1:9090"


def test_what_a_template_makes_is_text(folder: Path) -> None:
    write(folder, "a.j2", "{{ port }}")
    assert content(folder, "template('a.j2')") == "9090"


def test_a_file_is_taken_as_it_is(folder: Path) -> None:
    write(folder, "rules.yml", 'summary: "{{ $labels.host }}"\n')
    assert content(folder, "file('rules.yml')") == 'summary: "{{ $labels.host }}"\n'


def test_a_template_with_a_secret_is_a_secret(folder: Path) -> None:
    write(folder, "a.j2", "token={{ token }}\n")
    write(folder, "b.j2", "plain, {{ template('c.j2') }}")
    write(folder, "c.j2", "c")
    secret = content(folder, "template('a.j2')")
    assert isinstance(secret, SecretStr)
    assert secret.get_secret_value().startswith("token=")
    assert content(folder, "template('b.j2')") == "plain, c"


@pytest.mark.parametrize("text", ["{{ secret('x') }}{{ template('c.j2') }}"])
def test_a_template_inside_does_not_make_a_secret_plain(
    folder: Path, text: str
) -> None:
    write(folder, "c.j2", "c")
    write(folder, "a.j2", text)
    assert isinstance(content(folder, "template('a.j2')"), SecretStr)


def test_a_missing_file_is_told_with_its_line_and_a_hint(folder: Path) -> None:
    write(folder, "rules.yml", "")
    assert refusal(folder, "file('rule.yml')") == (
        "book.yml:5: plays[0].steps[0].file.content: there is no file 'rule.yml' in "
        "templates (on node1); did you mean 'rules.yml'?"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "a\nb {{ prot }}\n",
            ":2: undefined variable 'prot' (on node1); did you mean 'port'",
        ),
        ("{% if %}", ":1: Expected an expression, got 'end of statement block'"),
        ("\n\n{{ groups.hed[0] }}", ":3: the template: 'dict object' has no attri"),
        ("\n{{ port + 'x' }}", ":2: the template cannot be rendered: unsupported"),
    ],
)
def test_what_is_wrong_in_a_template_is_told_with_its_line(
    folder: Path, text: str, problem: str
) -> None:
    write(folder, "a.j2", text)
    said = refusal(folder, "template('a.j2')")
    assert said.startswith("book.yml:5: plays[0].steps[0].file.content: ")
    assert f"templates/a.j2{problem}" in said


@pytest.mark.parametrize("name", ["../book.yml", "/etc/passwd"])
def test_only_files_of_the_folder_are_read(folder: Path, name: str) -> None:
    assert "does not lie in" in refusal(folder, f"file('{name}')")


def test_a_template_that_takes_itself_is_refused(folder: Path) -> None:
    write(folder, "a.j2", "{{ template('a.j2') }}")
    assert "takes itself" in refusal(folder, "template('a.j2')")


def test_a_folder_is_no_file(folder: Path) -> None:
    (folder / "templates" / "sub").mkdir()
    scope = Scope({})
    with pytest.raises(RenderError, match="there is no file 'sub'"):
        functions(scope, str(folder / "book.yml"), Credentials())["file"]("sub")
