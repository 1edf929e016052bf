"""Passwords come from arguments, files, the environment or a person, and are read once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from provision import api
from provision.errors import SecretError
from provision.secrets import vault
from provision.secrets.credentials import (
    BECOME_PASSWORD,
    VAULT_PASSWORD_FILE,
    Credentials,
)

PASSWORD = "it is ☃ secret"
ENCRYPTED = vault.encrypt("hunter2", PASSWORD.encode())


class Person:
    """Types *answers*, one for each question; None: nobody is there."""

    def __init__(self, *answers: str | None) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, question: str) -> str | None:
        self.asked.append(question)
        return self._answers.pop(0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    return file


def program(file: Path, *lines: str) -> Path:
    """Make a program that writes a line to the file `calls` beside it each time it runs."""
    file.write_text("\n".join(["#!/bin/sh", 'echo x >>"$0.calls"', *lines]))
    file.chmod(0o700)
    return file


def decrypted(credentials: Credentials) -> str:
    return credentials.decrypt(ENCRYPTED).get_secret_value()


class TestVaultPassword:
    def test_it_may_be_given_as_text(self) -> None:
        assert decrypted(Credentials(vault_password=PASSWORD)) == "hunter2"

    def test_it_may_be_in_a_file(self, file: Path) -> None:
        assert decrypted(Credentials(vault_password_file=file)) == "hunter2"

    def test_the_environment_may_name_its_file(self, file: Path) -> None:
        given = {VAULT_PASSWORD_FILE: str(file)}
        assert decrypted(Credentials(environment=given)) == "hunter2"

    def test_a_person_may_type_it_once(self) -> None:
        person = Person(PASSWORD)
        credentials = Credentials(environment={}, prompt=person)
        assert decrypted(credentials) == "hunter2"
        other = vault.encrypt("hunter3", PASSWORD.encode())
        assert credentials.decrypt(other).get_secret_value() == "hunter3"
        assert person.asked == ["vault password: "]

    def test_a_program_may_print_it_and_is_run_once(self, file: Path) -> None:
        credentials = Credentials(
            vault_password_file=program(file, f"echo '{PASSWORD}'")
        )
        assert decrypted(credentials) == "hunter2"
        assert credentials.encrypt("x")
        assert Path(f"{file}.calls").read_text() == "x\n"

    def test_what_is_given_wins_over_the_environment(self, tmp_path: Path) -> None:
        given = {VAULT_PASSWORD_FILE: str(tmp_path / "none")}
        credentials = Credentials(vault_password=PASSWORD, environment=given)
        assert decrypted(credentials) == "hunter2"

    @pytest.mark.parametrize(
        ("content", "mode", "said"),
        [
            ("", 0o600, "password: there is no vault password in it"),
            ("#!/bin/sh\nexit 3\n", 0o700, "password: ended with exit code 3"),
            (None, 0, "password: the vault password cannot be read: No such file"),
        ],
    )
    def test_a_file_without_one_is_an_error(
        self, file: Path, content: str | None, mode: int, said: str
    ) -> None:
        file.unlink()
        if content is not None:
            file.write_text(content)
            file.chmod(mode)
        with pytest.raises(SecretError, match=said):
            decrypted(Credentials(vault_password_file=file))

    @pytest.mark.parametrize(
        ("answer", "said"),
        [(None, "--vault-password-file"), ("", "no vault password was typed")],
    )
    def test_without_any_it_is_told_what_to_do(
        self, answer: str | None, said: str
    ) -> None:
        with pytest.raises(SecretError, match=said):
            decrypted(Credentials(environment={}, prompt=Person(answer)))

    def test_one_that_was_not_typed_is_asked_for_again(self) -> None:
        credentials = Credentials(environment={}, prompt=Person("", PASSWORD))
        with pytest.raises(SecretError):
            decrypted(credentials)
        assert decrypted(credentials) == "hunter2"


def test_nothing_of_one_value_is_known_to_another() -> None:
    assert decrypted(Credentials(vault_password=PASSWORD)) == "hunter2"
    with pytest.raises(SecretError, match="another one"):
        decrypted(Credentials(vault_password="other"))
    with pytest.raises(SecretError, match="there is no vault password"):
        decrypted(Credentials(environment={}, prompt=Person(None)))


def test_a_copy_with_another_file_does_not_use_the_former_password(
    tmp_path: Path,
) -> None:
    first = Credentials(vault_password=PASSWORD)
    assert decrypted(first) == "hunter2"
    (tmp_path / "other").write_text("other")
    with pytest.raises(SecretError, match="another one"):
        decrypted(first.with_vault_password_file(tmp_path / "other"))
    assert decrypted(first) == "hunter2"


def test_copies_share_what_was_typed() -> None:
    person = Person("typed")
    first = Credentials(environment={}, prompt=person)
    assert first.with_become_password("x").ask("who? ") == "typed"
    assert first.with_vault_password_file("f").ask("who? ") == "typed"
    assert first.ask("who? ") == "typed"
    assert person.asked == ["who? "]


@pytest.mark.parametrize(
    ("given", "environment", "found"),
    [
        ("given", {BECOME_PASSWORD: "theirs"}, "given"),
        ("", {BECOME_PASSWORD: "theirs"}, "theirs"),
        ("", {}, None),
    ],
)
def test_the_password_for_sudo_is_the_one_given_or_of_the_environment(
    given: str, environment: dict[str, str], found: str | None
) -> None:
    credentials = Credentials(become_password=given, environment=environment)
    secret = credentials.find_become_password()
    assert (secret and secret.get_secret_value()) == found


def test_no_password_is_shown() -> None:
    credentials = Credentials(vault_password=PASSWORD, become_password="hunter3")
    decrypted(credentials)
    shown = repr(credentials) + repr(api.Credentials()) + str(credentials)
    assert not [text for text in (PASSWORD, "hunter2", "hunter3") if text in shown]


BLOCK = "|\n" + "".join(f"            {line}\n" for line in ENCRYPTED.splitlines())
INVENTORY = f"""
all:
  vars:
    ansible_connection: local
    ansible_become: false
    word: !vault {BLOCK}
  hosts: {{a: }}
"""
BOOK = f"""
- play: p
  hosts: all
  vars:
    own: !vault {BLOCK}
  steps:
    - file: {{path: FOLDER/one, content: "{{{{ word }}}}"}}
    - file: {{path: FOLDER/two, content: "{{{{ own }}}}"}}
    - file: {{path: FOLDER/three, content: "{{{{ file('text') }}}}"}}
    - file: {{path: FOLDER/four, content: "{{{{ secret('pin', generate=false) }}}}"}}
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sequence[Path]:
    """An inventory and a playbook with encrypted values, and another one beside it."""
    monkeypatch.delenv(VAULT_PASSWORD_FILE, raising=False)
    (tmp_path / "inv.yml").write_text(INVENTORY)
    book = BOOK.replace("FOLDER", str(tmp_path))
    (tmp_path / "book.yml").write_text(book)
    (tmp_path / "other.yml").write_text(book)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/text").write_text(ENCRYPTED)
    return tmp_path / "inv.yml", tmp_path / "book.yml"


@pytest.mark.parametrize("verb", [api.plan, api.verify, api.apply])
def test_every_file_of_a_run_is_read_with_what_the_caller_gives(
    files: Sequence[Path], verb: object
) -> None:
    assert callable(verb)
    person = Person("4321")
    mine = Credentials(vault_password=PASSWORD, environment={}, prompt=person)
    run = verb(*files, credentials=mine)
    states = [step.error for step in run.hosts["a"].steps]
    assert (states, person.asked) == ([None] * 4, ["secret pin: "])


def test_without_credentials_one_run_asks_for_each_password_once(
    files: Sequence[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    answers = {"vault password: ": PASSWORD, "secret pin: ": "4321"}

    def typed(question: str) -> str:
        asked.append(question)
        return answers[question]

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", typed)
    for _ in range(2):
        api.plan(*files)
        assert asked == [*answers], "a second run asks again"
        asked.clear()


def test_a_value_is_encrypted_with_the_callers_password() -> None:
    mine = Credentials(vault_password=PASSWORD)
    text = api.encrypt("hunter4", credentials=mine)
    assert api.decrypt(text, credentials=mine).get_secret_value() == "hunter4"
    with pytest.raises(SecretError, match="another one"):
        api.decrypt(text, credentials=Credentials(vault_password="other"))
