"""What can be said on the command line: one field for each option, with its help."""

from __future__ import annotations

import functools
import getpass
import os
import re
import sys
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provision.errors import OptionError

if TYPE_CHECKING:
    from pydantic import SecretStr

    from provision.api import RunOptions

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
BECOME_PASSWORD = "PROVISION_BECOME_PASSWORD"  # noqa: S105 - a name
PASSWORDS = ("ask_become_pass", "vault_password_file")
"""RunOptions with which passwords are given; they leave short forms to the others."""
LAST = Path(".provision/last")
"""Names the inventory that was deployed last from the current folder."""


def _option(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True, slots=True)
class CommandOptions:
    """The options of one command, as they were typed."""

    inventory: str = _option(
        "", "path of the inventory, or a name in inventories/ (default: deployed last)"
    )
    limit: str = _option("", "work on these hosts only, such as 'workers:!node3'")
    tags: str = _option("", "only plays and steps with one of these tags: a,b")
    forks: str = _option("", "hosts worked on at a time (default: 100)")
    set: tuple[str, ...] = _option((), "a variable, name=value (YAML); repeatable")
    check: bool = _option(default=False, text="only say what would change (= plan)")
    verbose: bool = _option(
        default=False, text="show the output of running steps, and what is ok"
    )
    report: str = _option("", "write what happened to this file, as JSON")
    playbook: str = _option("deploy", "path of a playbook, or a name in playbooks/")
    prune: bool = _option(
        default=False, text="also drain and clear hosts that have left the inventory"
    )
    yes: bool = _option(default=False, text="do not ask")
    fingerprint: str = _option(
        "", "accept only a key with this fingerprint (SHA256:...), without asking"
    )
    ask_become_pass: bool = _option(
        default=False, text="ask for the password of sudo, once for all hosts"
    )
    vault_password_file: str = _option(
        "",
        "file with the password of encrypted values, or a program that prints it "
        "(default: PROVISION_VAULT_PASSWORD_FILE)",
    )
    level: str = _option("data", "what goes: data, images (too), engine (and Docker)")
    keep_data: bool = _option(default=False, text="keep what Prometheus has gathered")
    hosts: str = _option("", "how many hosts, or their names: a,b")
    host: str = _option("", "the name of a host of the lab")

    def for_api(self) -> RunOptions:
        """What the functions of `provision.api` take.

        Raises:
            OptionError: an option cannot be read.
        """
        given: RunOptions = {
            "limit": self.limit,
            "tags": words(self.tags),
            "sets": dict(map(_assignment, self.set)),
        }
        if password := become_password(self):
            given["become_password"] = password
        if self.forks:
            given["forks"] = positive("--forks", self.forks)
        return given


HELP = {option.name: str(option.metadata["help"]) for option in fields(CommandOptions)}
DEFAULTS = {option.name: option.default for option in fields(CommandOptions)}


def become_password(given: CommandOptions) -> SecretStr | None:
    """The password for sudo: of the environment, or typed now; asked for once.

    Raises:
        OptionError: there is no terminal to ask on.
    """
    from pydantic import SecretStr

    if value := os.environ.get(BECOME_PASSWORD):
        return SecretStr(value)
    return _typed_password() if given.ask_become_pass else None


@functools.cache
def _typed_password() -> SecretStr:
    from pydantic import SecretStr

    if not sys.stdin.isatty():
        raise OptionError(
            "--ask-become-pass: here is no terminal to ask on",
            hint=f"set {BECOME_PASSWORD} in the environment, or "
            "ansible_become_password in the inventory",
        )
    try:
        typed = getpass.getpass("password for sudo: ")
    except EOFError:
        typed = ""
    if not typed:
        raise OptionError("--ask-become-pass: no password was typed")
    return SecretStr(typed)


def words(text: str) -> tuple[str, ...]:
    """The words of a list with commas."""
    return tuple(filter(None, (word.strip() for word in text.split(","))))


def positive(option: str, text: str) -> int:
    """The number that *text* is.

    Raises:
        OptionError: it is none above 0.
    """
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise OptionError(f"{option} takes a number from 1 on, not {text!r}")
    return int(text)


def _assignment(text: str) -> tuple[str, Any]:
    import yaml

    name, equals, value = text.partition("=")
    if not equals or not NAME.match(name):
        raise OptionError(
            f"--set takes name=value, not {text!r}",
            hint="for example --set ray_num_cpus=2 or --set 'docker_packages=[a, b]'",
        )
    try:
        return name, yaml.safe_load(value) if value else ""
    except yaml.YAMLError as error:
        raise OptionError(
            f"--set {name}: the value is not YAML: {value!r}",
            hint="put a text with special characters into double quotes",
        ) from error


def inventory_path(given: CommandOptions) -> tuple[Path, bool]:
    """The inventory to use, and whether it is the one that was deployed last.

    Raises:
        OptionError: none was given and none is remembered.
        InventoryError: it is not there.
    """
    from provision.config.inventory import find

    if given.inventory:
        return find(given.inventory), False
    try:
        remembered = Path(LAST.read_text("utf-8").strip())
    except OSError:
        raise OptionError(
            "no inventory was given, and none was deployed from this folder before",
            hint=f"say --inventory PATH{_choices()}",
        ) from None
    if not remembered.is_file():
        raise OptionError(
            f"the inventory deployed last is gone: {remembered}",
            hint="say --inventory PATH",
        )
    return remembered, True


def remember(path: Path) -> None:
    """Make *path* the inventory that is used when none is given."""
    LAST.parent.mkdir(exist_ok=True)
    LAST.write_text(f"{path.resolve()}\n", "utf-8")


def _choices() -> str:
    names = sorted(path.stem for path in Path("inventories").glob("*.yml"))
    return f", or a name in inventories/: {', '.join(names)}" if names else ""
