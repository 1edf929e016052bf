"""The variables that say how to connect: what they may be, and what they mean."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import SecretStr

from provision.config.yaml_source import did_you_mean

FLAGS = {"true": True, "yes": True, "false": False, "no": False}
ARGS = ("ansible_ssh_common_args", "ansible_ssh_extra_args")


def flag(value: Any) -> bool:
    """*value* as true or false, which text may say as well."""
    return FLAGS.get(str(value).lower(), bool(value))


def proxy_jump(variables: Mapping[str, Any]) -> str | None:
    """The jump hosts in arguments for ssh."""
    for name in ARGS:
        for key, value in _ssh_options(str(variables.get(name) or "")):
            if key == "proxyjump":
                return value
    return None


def _ssh_options(text: str) -> Iterator[tuple[str, str]]:
    """The options in arguments of ssh: `-J a`, `-o Name=value`, `-oName=value`.

    Raises:
        ValueError: there is something else in *text*.
    """
    words = iter(shlex.split(text))
    for word in words:
        if word.startswith("-J"):
            yield "proxyjump", word[2:] or next(words, "")
        elif word.startswith("-o"):
            name, _, value = re.sub(
                r"\s*=\s*|\s+", "=", word[2:] or next(words, ""), count=1
            ).partition("=")
            yield name.lower(), value
        else:
            raise ValueError(f"{word!r} is not understood")


def opened(variables: Mapping[str, Any]) -> dict[str, Any]:
    """*variables*, of which those that say how to connect are no secrets.

    They are told in reports, and are needed as they are; passwords stay secrets.
    """
    plain = {*CHECKS, *IGNORED, "cluster"} - {*PASSWORDS}
    return {
        name: value.get_secret_value()
        if isinstance(value, SecretStr) and name in plain
        else value
        for name, value in variables.items()
    }


def problems(variables: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the problems of the connection variables.

    Yields:
        The variable, what is wrong, and what to do.
    """
    for name, check in CHECKS.items():
        if (value := variables.get(name)) is not None and (why := check(value)):
            yield name, *why
    for name in variables:
        if name.startswith("ansible_") and name not in CHECKS and name not in IGNORED:
            hint = did_you_mean(name, [*CHECKS, *IGNORED])
            yield name, "unknown variable of Ansible", hint if "did" in hint else ""


Why = tuple[str, str] | None


def _text(value: Any) -> Why:
    if not isinstance(value, str | int) or isinstance(value, bool):
        return f"must be text, not {value!r}", ""
    if "{{" in str(value):
        return "templates are not rendered here", "write the value itself"
    return None


def _port(value: Any) -> Why:
    number = int(value) if str(value).isdigit() else 0
    return None if 1 <= number <= 65535 else (f"{value!r} is not a port", "1 to 65535")


def _flag(value: Any) -> Why:
    fine = isinstance(value, bool) or str(value).lower() in FLAGS
    return None if fine else (f"must be true or false, not {value!r}", "")


def _connection(value: Any) -> Why:
    if value in ("ssh", "local", "paramiko"):
        return None
    return f"unknown connection {value!r}", "`ssh` and `local` are there"


def _method(value: Any) -> Why:
    if value == "sudo":
        return None
    return f"cannot become root by {value!r}", "only sudo is there"


def _root(value: Any) -> Why:
    if value == "root":
        return None
    return f"cannot become {value!r}", "only root is there"


def _args(value: Any) -> Why:
    hint = "put other options for the host into ~/.ssh/config, which is read"
    try:
        names = {name for name, _ in _ssh_options(str(value))}
    except ValueError as error:
        return str(error), hint
    other = sorted(names - {"proxyjump"})
    return (f"the ssh option {other[0]} is not read here", hint) if other else None


def _checking(value: Any) -> Why:
    if value in (True, "true", "yes"):
        return None
    return (
        "host keys are always checked",
        "leave it out; list the keys in a known_hosts file or as `host_key`",
    )


def _files(value: Any) -> Why:
    named = [value] if isinstance(value, str) else value
    if isinstance(named, list) and all(isinstance(name, str) for name in named):
        return None
    return f"must be a path or a list of paths, not {value!r}", ""


def _key(value: Any) -> Why:
    if isinstance(value, str) and re.match(r"[a-z0-9@.-]+ [A-Za-z0-9+/=]+\s*\Z", value):
        return None
    return "is no public key", "write `TYPE BASE64`, as ssh-keyscan prints it"


def _password(value: Any) -> Why:
    return None if isinstance(value, SecretStr) else _text(value)


PASSWORDS = (
    "ansible_become_pass",
    "ansible_become_password",
    "ansible_password",
    "ansible_ssh_pass",
)
CHECKS: Mapping[str, Callable[[Any], Why]] = {
    "address": _text,
    "ansible_become": _flag,
    "ansible_become_method": _method,
    **dict.fromkeys(PASSWORDS, _password),
    "ansible_become_user": _root,
    "ansible_connection": _connection,
    "ansible_host": _text,
    "ansible_host_key_checking": _checking,
    "ansible_port": _port,
    "ansible_private_key_file": _text,
    "ansible_ssh_common_args": _args,
    "ansible_ssh_extra_args": _args,
    "ansible_ssh_private_key_file": _text,
    "ansible_user": _text,
    "host_key": _key,
    "known_hosts": _files,
}
IGNORED = frozenset(
    (
        "ansible_group_priority",
        "ansible_python_interpreter",
        "ansible_shell_type",
        "ansible_ssh_pipelining",
        "ansible_ssh_retries",
        "ansible_ssh_timeout",
    )
)
"""Variables of Ansible that mean nothing here, or are read elsewhere."""
