"""Passwords that people, files and the environment give: read once for each value.

Nothing is kept beyond a `Credentials`: another one reads its files, and asks, again.
"""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from provision.errors import SecretError

if TYPE_CHECKING:
    from pydantic import SecretStr

VAULT_PASSWORD_FILE = "PROVISION_VAULT_PASSWORD_FILE"  # noqa: S105 - a name
BECOME_PASSWORD = "PROVISION_BECOME_PASSWORD"  # noqa: S105 - a name
Prompt = Callable[[str], str | None]
"""Shows a question; returns what a person types, None if there is nobody to ask."""


def ask_on_terminal(question: str) -> str | None:
    """Return what is typed, hidden; "" for nothing; None if there is no terminal."""
    if not sys.stdin.isatty():
        return None
    try:
        return getpass.getpass(question)
    except EOFError:
        return ""


@dataclass(frozen=True, slots=True)
class _Memory:
    """Answers by question, passwords by file, values by password and encrypted text."""

    answers: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    values: dict[tuple[bytes, str], SecretStr] = field(default_factory=dict)


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class Credentials:
    """Passwords of encrypted values and of sudo, and secrets that a person types.

    Attributes:
        vault_password: decrypts the values that ansible-vault encrypted.
        vault_password_file: has it, or is a program that prints it; without one, the
            file that PROVISION_VAULT_PASSWORD_FILE names, else a person is asked.
        become_password: for sudo, on hosts whose inventory has none; without one,
            PROVISION_BECOME_PASSWORD.
        environment: variables that give passwords, and secrets of playbooks.
        prompt: asks a person; each question is asked once.
    """

    vault_password: str | SecretStr = ""
    vault_password_file: str | Path = ""
    become_password: str | SecretStr = ""
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    prompt: Prompt = ask_on_terminal
    _memory: _Memory = field(default_factory=_Memory)

    def with_vault_password_file(self, file: str | Path) -> Credentials:
        """Return a copy with the password in *file*; both know what was typed and read."""
        return replace(self, vault_password="", vault_password_file=file)

    def with_become_password(self, password: str | SecretStr) -> Credentials:
        """Return a copy with *password*; both know what was typed and read."""
        return replace(self, become_password=password)

    def find_become_password(self) -> SecretStr | None:
        """Return the password for sudo, on hosts whose inventory has none."""
        given = _plain(self.become_password) or self.environment.get(BECOME_PASSWORD)
        return _secret(given) if given else None

    def ask(self, question: str) -> str | None:
        """Return what a person types; "" for nothing; None if there is nobody to ask."""
        known = self._memory.answers
        if question not in known:
            answer = self.prompt(question)
            if not answer:
                return answer
            known[question] = answer
        return known[question]

    def decrypt(self, text: str) -> SecretStr:
        """Return the value that is encrypted in *text*.

        Raises:
            SecretError: there is no password, it is not the right one, or *text* is
                damaged.
        """
        from provision.secrets import vault

        key, known = self._vault_key(), self._memory.values
        if (key, text) not in known:
            known[key, text] = _secret(vault.decrypt(text, key))
        return known[key, text]

    def encrypt(self, value: str) -> str:
        """Return *value* encrypted, as ansible-vault reads it.

        Raises:
            SecretError: there is no vault password.
        """
        from provision.secrets import vault

        return vault.encrypt(value, self._vault_key())

    def _vault_key(self) -> bytes:
        """The vault password.

        Raises:
            SecretError: there is none.
        """
        if given := _plain(self.vault_password):
            return given.encode()
        named = self.environment.get(VAULT_PASSWORD_FILE, "")
        if file := str(self.vault_password_file or named):
            known = self._memory.files
            if file not in known:
                known[file] = _read(Path(file).expanduser())
            return known[file]
        return self._typed_vault_password()

    def _typed_vault_password(self) -> bytes:
        answer = self.ask("vault password: ")
        if answer is None:
            raise SecretError(
                "something is encrypted, and there is no vault password",
                hint=f"say --vault-password-file, or set {VAULT_PASSWORD_FILE}",
            )
        if not answer:
            raise SecretError("no vault password was typed")
        return answer.encode()


def decrypt(text: str, *, credentials: Credentials | None = None) -> SecretStr:
    """Return the value that ansible-vault, or `encrypt`, has encrypted in *text*.

    Raises:
        SecretError: there is no password, it is not the right one, or *text* is damaged.
    """
    return (credentials or Credentials()).decrypt(text)


def encrypt(value: str, *, credentials: Credentials | None = None) -> str:
    """Return *value* encrypted, as ansible-vault reads it.

    Raises:
        SecretError: there is no vault password.
    """
    return (credentials or Credentials()).encrypt(value)


def _plain(value: str | SecretStr) -> str:
    return value if isinstance(value, str) else value.get_secret_value()


def _secret(value: str) -> SecretStr:
    from pydantic import SecretStr  # slow, and commands that are only listed need none

    return SecretStr(value)


def _read(file: Path) -> bytes:
    """The password in *file*, or that the program *file* prints."""
    try:
        found = _output(file) if os.access(file, os.X_OK) else file.read_bytes()
    except OSError as error:
        problem = f"the vault password cannot be read: {error.strerror or error}"
        raise SecretError(problem, file=str(file)) from error
    if not found.strip():
        raise SecretError("there is no vault password in it", file=str(file))
    return found.strip()


def _output(program: Path) -> bytes:
    done = subprocess.run(
        [program.resolve()], stdout=subprocess.PIPE, stdin=None, check=False
    )
    if done.returncode:
        problem = f"ended with exit code {done.returncode}, and gave no vault password"
        raise SecretError(problem, file=str(program))
    return done.stdout
