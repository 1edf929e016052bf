"""The options of the command line: one field for each, with its help."""

from __future__ import annotations

import re
import shlex
from dataclasses import Field, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provision.errors import OptionError
from provision.invocation import program
from provision.secrets.credentials import BECOME_PASSWORD, Credentials

if TYPE_CHECKING:
    from provision.config.inventory import Inventory

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
PASSWORDS = ("ask_become_pass", "vault_password_file")
"""Options that give passwords."""
SELECTION = ("inventory", "limit", "tags", "forks", "set", *PASSWORDS)
"""Options that choose hosts and steps."""
DISPLAY = ("verbose", "report")
"""Options that choose how a run is shown."""
LETTERS = {
    "inventory": "i",
    "limit": "l",
    "tags": "t",
    "forks": "f",
    "set": "s",
    "check": "c",
    "verbose": "v",
    "report": "r",
    "playbook": "p",
    "yes": "y",
}
"""The short forms of options: the same in every command; the others have none."""


def option(default: Any, text: str) -> Any:
    """Return the field of a dataclass that is an option of a command, with its help."""
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True, slots=True)
class CommandOptions:
    """The options of one command, as they were typed.

    Attributes:
        credentials: those of the command line, for what is encrypted.
        inventories: those that commands before it have loaded.
    """

    inventory: tuple[str, ...] = option(
        (),
        "path of the inventory, a file or folder, or a name in inventories/ (default: "
        "deployed last); repeatable",
    )
    limit: str = option("", "only these hosts, such as 'all:!node3'")
    tags: str = option("", "only plays and steps with one of these tags: a,b")
    forks: str = option("", "hosts worked on at a time (default: 100)")
    set: tuple[str, ...] = option((), "set a variable, name=value (YAML); repeatable")
    check: bool = option(default=False, text="only show what would change (= plan)")
    diff: bool = option(
        default=False, text="show how texts differ that are replaced; never secrets"
    )
    verbose: bool = option(
        default=False, text="show the output of running steps, and steps that are ok"
    )
    report: str = option("", "write the result of the run to this file, as JSON")
    playbook: str = option("deploy", "path of a playbook, or a name in playbooks/")
    yes: bool = option(default=False, text="do not ask for confirmation")
    fingerprint: str = option(
        "", "accept only keys with these fingerprints (SHA256:...,...), without asking"
    )
    ask_become_pass: bool = option(
        default=False, text="prompt for the sudo password, once for all hosts"
    )
    vault_password_file: str = option(
        "",
        "file with the password of encrypted values, or a program that prints it "
        "(default: PROVISION_VAULT_PASSWORD_FILE)",
    )
    hosts: str = option("", "how many hosts, or their names: a,b")
    host: str = option("", "name of a host of the lab")
    credentials: Credentials = field(default_factory=Credentials, compare=False)
    inventories: dict[tuple[Path, ...], Inventory] = field(
        default_factory=dict, compare=False, repr=False
    )


def declared(kind: type) -> dict[str, Field[Any]]:
    """Return the options that the dataclass *kind* declares, by name."""
    found = fields(kind) if is_dataclass(kind) else ()
    return {one.name: one for one in found if "help" in one.metadata}


def command_line(command: str, options: CommandOptions) -> str:
    """Return the line that runs *command* with the same choices as *options*."""
    words, known = [program(), command], declared(CommandOptions)
    for name in (*SELECTION, "playbook"):
        value, flag = getattr(options, name), f"--{name.replace('_', '-')}"
        if value is True:
            words.append(flag)
        elif value != known[name].default:
            for one in value if isinstance(value, tuple) else (value,):
                words += [flag, shlex.quote(one)]
    return " ".join(words)


def chosen_credentials(options: CommandOptions) -> Credentials:
    """Return the credentials, with a password for sudo that is typed now if *options* say so.

    Raises:
        OptionError: there is no terminal to prompt on, or nothing was typed.
    """
    credentials = options.credentials
    if credentials.find_become_password() or not options.ask_become_pass:
        return credentials
    typed = credentials.ask("password for sudo: ")
    if typed is None:
        raise OptionError(
            "--ask-become-pass: there is no terminal to prompt on",
            hint=f"set {BECOME_PASSWORD} in the environment, or "
            "ansible_become_password in the inventory",
        )
    if not typed:
        raise OptionError("--ask-become-pass: no password was typed")
    return credentials.with_become_password(typed)


def words(text: str) -> tuple[str, ...]:
    """Return the words of a list with commas."""
    return tuple(filter(None, (word.strip() for word in text.split(","))))


def positive(option: str, text: str) -> int:
    """Return the number in *text*.

    Raises:
        OptionError: it is not a number above 0.
    """
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise OptionError(f"{option} takes a number from 1 on, not {text!r}")
    return int(text)


def assignment(text: str) -> tuple[str, Any]:
    """Return name and value of a `--set name=value`.

    Raises:
        OptionError: it has another form, or the value is not YAML.
    """
    from provision.config.yaml_source import parse

    name, equals, value = text.partition("=")
    if not equals or not NAME.match(name):
        raise OptionError(
            f"--set takes name=value, not {text!r}",
            hint="for example --set metrics=false or --set 'docker_packages=[a, b]'",
        )
    if not value:
        return name, ""
    try:
        return name, parse(value, OptionError, file=f"--set {name}").data
    except OptionError as error:
        hint = error.hint or "put a text with special characters into quotes"
        raise OptionError(error.message, hint=hint, file=error.file) from error
