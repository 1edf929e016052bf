"""The variables that say how to connect: what they may be, and what they mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import SecretStr

from provision.config.spelling import nearest
from provision.config.ssh import KEYS_CHECKED, arguments
from provision.config.yaml_source import shown
from provision.model.fields import Written

TRUE = ("true", "t", "yes", "y", "on", "1", "1.0")
FALSE = ("false", "f", "no", "n", "off", "0", "0.0")
SSH = ("ssh", "smart", "paramiko", "paramiko_ssh", "ansible.builtin.ssh")
LOCAL = ("local", "ansible.builtin.local")
SUDO = ("sudo", "ansible.builtin.sudo")
KEPT = (str, SecretStr, Written, list, dict)
"""Types of values that are what was written."""
NULLS = ("", "~", "null", "Null", "NULL")
"""YAML's words for nothing."""


def flag(value: Any) -> bool:
    """*value* as true or false, which a word or number may say as well."""
    return str(value).lower() in TRUE


def first(name: str, variables: Mapping[str, Any]) -> Any:
    """Return the value of the setting *name*, or of an older name of it; None = not set."""
    found = (variables.get(one) for one in NAMES.get(name, (name,)))
    return next((value for value in found if value not in (None, "")), None)


def as_written(name: str, value: Any, written: str | None) -> Any:
    """*value* of the variable *name*; where it is a text, what was written for it.

    YAML makes true of the user yes, and INI 31 of the password 0x1F.
    """
    if name not in TEXTS or written is None or isinstance(value, KEPT):
        return value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and str(value) == written:
        return value
    return None if value is None and written in NULLS else written


def opened(variables: Mapping[str, Any]) -> dict[str, Any]:
    """*variables*, of which those that say how to connect are no secrets.

    They are told in reports, and are needed as they are; passwords stay secrets.
    """
    plain = {*CHECKS, *IGNORED} - {*PASSWORDS}
    return {
        name: value.get_secret_value()
        if isinstance(value, SecretStr) and name in plain
        else value
        for name, value in variables.items()
    }


def problem(name: str, value: Any) -> Why:
    """Return what is wrong with *value* of the variable *name*, and what to do."""
    check = CHECKS.get(name)
    return check(value) if check and value is not None else None


def near_miss(name: str) -> str:
    """Return the variable that *name* may be a slip of the fingers for; "" = none."""
    if not name.startswith(PREFIX) or name in CHECKS or name in IGNORED:
        return ""
    return nearest(name, (one for one in (*CHECKS, *IGNORED) if one.startswith(PREFIX)))


Why = tuple[str, str] | None
"""The problem with a value, and what to do; None: it is fine."""


def _text(value: Any) -> Why:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return f"must be text, not {shown(value)}", "quote it"
    return None


def _port(value: Any) -> Why:
    number = int(value) if re.fullmatch(r"[1-9][0-9]{0,4}", str(value)) else 0
    wrong = f"{shown(value)} is not a port", "1 to 65535"
    return None if 1 <= number <= 65535 else wrong


def _flag(value: Any) -> Why:
    fine = str(value).lower() in (*TRUE, *FALSE)
    return None if fine else (f"must be true or false, not {shown(value)}", "")


def _connection(value: Any) -> Why:
    if value in (*SSH, *LOCAL):
        return None
    return f"unknown connection {shown(value)}", "`ssh` and `local` are there"


def _method(value: Any) -> Why:
    if value in SUDO:
        return None
    return f"cannot become root by {shown(value)}", "only sudo is there"


def _sudo(value: Any) -> Why:
    if str(value).rpartition("/")[2] == "sudo":
        return None
    return f"cannot become root by {shown(value)}", "only sudo is there"


def _sudo_flags(value: Any) -> Why:
    if all(re.fullmatch(r"-[HSnE]+", word) for word in str(value).split()):
        return None
    problem = f"options of sudo are not passed on: {shown(value)}"
    return problem, "leave it out; sudoers may say what they say"


def _root(value: Any) -> Why:
    if value == "root":
        return None
    return f"cannot become {shown(value)}", "only root is there"


def _args(value: Any) -> Why:
    found = arguments(str(value)).problems
    if not found:
        return None
    hints = dict.fromkeys(hint for _, hint in found if hint)
    return "; ".join(problem for problem, _ in found), "; ".join(hints)


def _checking(value: Any) -> Why:
    if flag(value):
        return None
    return KEYS_CHECKED


def _files(value: Any) -> Why:
    named = [value] if isinstance(value, str) else value
    if isinstance(named, list) and all(isinstance(name, str) for name in named):
        return None
    return f"must be a path or a list of paths, not {shown(value)}", ""


def _key(value: Any) -> Why:
    if isinstance(value, str) and re.match(r"[a-z0-9@.-]+ [A-Za-z0-9+/=]+\s*\Z", value):
        return None
    return "is no public key", "write `TYPE BASE64`, as ssh-keyscan prints it"


def _password(value: Any) -> Why:
    return None if isinstance(value, SecretStr) else _text(value)


PREFIX = "ansible_"
NAMES = {
    "ansible_host": ("ansible_ssh_host", "ansible_host"),
    "ansible_port": ("ansible_ssh_port", "ansible_port"),
    "ansible_user": ("ansible_ssh_user", "ansible_user"),
    "ansible_password": (
        *("ansible_ssh_password", "ansible_ssh_pass", "ansible_password"),
    ),
    "ansible_private_key_file": (
        *("ansible_ssh_private_key_file", "ansible_private_key_file"),
    ),
    "ansible_become_password": (
        *("ansible_sudo_pass", "ansible_become_pass", "ansible_become_password"),
    ),
}
"""All names of a setting, the one that wins first: as in Ansible, older names do."""
PASSWORDS = (*NAMES["ansible_password"], *NAMES["ansible_become_password"])
TEXTS = frozenset(
    (
        *(name for names in NAMES.values() for name in names),
        *("address", "cluster", "host_key", "known_hosts", "lock_host"),
    )
)
"""Variables that are text: a number is what was written for it."""
CHECKS: Mapping[str, Callable[[Any], Why]] = {
    "address": _text,
    "ansible_become": _flag,
    "ansible_become_exe": _sudo,
    "ansible_become_flags": _sudo_flags,
    "ansible_become_method": _method,
    "ansible_become_user": _root,
    "ansible_connection": _connection,
    **dict.fromkeys(NAMES["ansible_host"], _text),
    "ansible_host_key_checking": _checking,
    **dict.fromkeys(PASSWORDS, _password),
    **dict.fromkeys(NAMES["ansible_port"], _port),
    **dict.fromkeys(NAMES["ansible_private_key_file"], _text),
    "ansible_ssh_args": _args,
    "ansible_ssh_common_args": _args,
    "ansible_ssh_extra_args": _args,
    "ansible_ssh_host_key_checking": _checking,
    "ansible_sudo_exe": _sudo,
    "ansible_sudo_flags": _sudo_flags,
    "ansible_sudo_user": _root,
    **dict.fromkeys(NAMES["ansible_user"], _text),
    "cluster": _text,
    "host_key": _key,
    "known_hosts": _files,
    "lock_host": _text,
}
"""The variables that say how to connect, each with its check."""
IGNORED = frozenset(
    (
        "ansible_group_priority",
        "ansible_pipelining",
        "ansible_python_interpreter",
        "ansible_shell_executable",
        "ansible_shell_type",
        "ansible_ssh_executable",
        "ansible_ssh_pipelining",
        "ansible_ssh_retries",
        "ansible_ssh_timeout",
        "ansible_timeout",
    )
)
"""Variables of Ansible that mean nothing here, or are read elsewhere."""
