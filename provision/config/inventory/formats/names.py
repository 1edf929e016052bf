"""Names of groups and hosts, and the hosts that one entry stands for.

Source: the Ansible documentation, "How to build your inventory", ansible-core 2.19.
"""

from __future__ import annotations

import ipaddress
import re

from provision.config.inventory.formats.ranges import expand
from provision.config.yaml_source import shown

GROUP = re.compile(r"\w[\w.@%+=-]*\Z")
HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@%+=-]*\Z")
RANGE = r"\[(?:[A-Za-z]:[A-Za-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]"
LABEL = rf"(?:\w|{RANGE})(?:[\w-]|{RANGE})*(?<![_-])"
BEFORE_PORT = rf"{LABEL}(?:\.{LABEL})*"
WITH_PORT = re.compile(rf"({BEFORE_PORT}):([0-9]+)|\[(.+)\]:([0-9]+)")


def group_name(name: object, written: str | None = None) -> str:
    """Return *name* if it can be the name of a group.

    Raises:
        ValueError: it cannot.
    """
    text = _text(name, written)
    if not GROUP.match(text):
        raise ValueError(f"{shown(text)} cannot be the name of a group")
    return text


def host_names(pattern: object, written: str | None = None) -> tuple[list[str], int]:
    """Return the hosts that *pattern* stands for, and the port behind it; 0 = none.

    Raises:
        ValueError: a range is wrong, or a name cannot be that of a host.
    """
    text = _text(pattern, written)
    match = WITH_PORT.fullmatch(text)
    name, port = (match[1] or match[3], match[2] or match[4]) if match else (text, 0)
    names = expand(name)
    for one in names:
        if not (HOST.match(one) or _is_ipv6(one)):
            raise ValueError(f"{shown(one)} cannot be the name of a host")
    return names, int(port)


def _text(name: object, written: str | None) -> str:
    """*name* if it is text.

    Raises:
        ValueError: YAML took it for something else than what was written.
    """
    if isinstance(name, str) and written is None:
        return str(name)
    word = str(name) if written is None else written
    raise ValueError(f'YAML takes {word!r} for no text; quote it: "{word}"')


def _is_ipv6(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).version == 6
    except ValueError:
        return False
