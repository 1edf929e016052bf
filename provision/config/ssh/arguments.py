"""Arguments of ssh, as inventories have them, as lines of ssh_config."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from provision.config.ssh.lines import Line, parse

HONOURED = frozenset(
    (
        *("addressfamily", "bindaddress", "certificatefile", "ciphers"),
        *("canonicaldomains", "canonicalizefallbacklocal", "canonicalizehostname"),
        *("canonicalizemaxdots", "canonicalizepermittedcnames"),
        *("connecttimeout", "globalknownhostsfile", "hostkeyalgorithms"),
        *("hostkeyalias", "hostname", "identitiesonly", "identityagent"),
        *("identityfile", "ignoreunknown", "kbdinteractiveauthentication"),
        *("kexalgorithms", "macs", "passwordauthentication", "port"),
        *("preferredauthentications", "proxycommand", "proxyjump"),
        *("pubkeyacceptedalgorithms", "pubkeyauthentication", "tag", "user"),
        *("revokedhostkeys", "userknownhostsfile"),
    )
)
"""Options that say how to reach a host."""
NO_EFFECT = frozenset(
    (
        *("addkeystoagent", "batchmode", "checkhostip", "compression"),
        *("connectionattempts", "controlmaster", "controlpath", "controlpersist"),
        *("enableescapecommandline", "escapechar", "exitonforwardfailure"),
        *("forwardagent", "forwardx11", "forwardx11timeout", "forwardx11trusted"),
        *("gssapiauthentication", "gssapidelegatecredentials", "hashknownhosts"),
        *("hostbasedauthentication", "ipqos", "loglevel", "logverbose"),
        *("numberofpasswordprompts", "obscurekeystroketiming", "rekeylimit"),
        *("requesttty", "sendenv", "serveralivecountmax", "serveraliveinterval"),
        *("setenv", "stdinnull", "syslogfacility", "tcpkeepalive"),
        *("updatehostkeys", "verifyhostkeydns", "visualhostkey", "xauthlocation"),
    )
)
"""Options of terminals, shared connections and the like, which need nothing here.

None of them changes which host is reached, as whom, or which key it must have.
"""
CHECKING = "stricthostkeychecking"
CHECKED = ("yes", "true", "ask")
FLAGS = {
    "4": "AddressFamily inet",
    "6": "AddressFamily inet6",
    **dict.fromkeys("AaCKkNnqTtvXxYy", ""),
}
"""Letters without a value; those with "" need nothing here."""
WITH_VALUE = {
    "B": "BindInterface",
    "b": "BindAddress",
    "c": "Ciphers",
    "E": "",
    "e": "EscapeChar",
    "F": "",
    "i": "IdentityFile",
    "J": "ProxyJump",
    "l": "User",
    "m": "MACs",
    "o": "",
    "P": "Tag",
    "p": "Port",
    "S": "ControlPath",
}
"""Letters with a value, and their options."""
KEYS_CHECKED = (
    "host keys are always checked",
    "leave it out; `trust` shows unknown keys and accepts them, or list them in a "
    "known_hosts file or as `host_key`",
)
"""The refusal to leave host keys unchecked, and what to do."""
OTHER_HINT = "leave it out; docs/connecting.md lists what is honoured"


@dataclass(frozen=True, slots=True)
class Arguments:
    """Arguments of ssh.

    Attributes:
        lines: what they say, as lines of ssh_config.
        file: the file of `-F`; None = the usual ones.
        problems: what cannot be honoured, and what to do.
    """

    lines: tuple[str, ...] = ()
    file: str | None = None
    problems: tuple[tuple[str, str], ...] = ()


def arguments(text: str) -> Arguments:
    """Return what the words of *text* mean to ssh."""
    try:
        options = list(_options(shlex.split(text)))
    except ValueError as error:
        return Arguments(problems=((f"{text!r} cannot be split: {error}", ""),))
    lines = [line for letter, line in options if letter not in "F?" and line]
    files = [value for letter, value in options if letter == "F"]
    strange = [(value, OTHER_HINT) for letter, value in options if letter == "?"]
    refused = [why for line in lines if (why := _refusal(parse(line), line))]
    return Arguments(
        tuple(line for line in lines if not _is_checking(line)),
        files[-1] if files else None,
        (*strange, *refused),
    )


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each letter and its line of ssh_config, or the value of `-F`.

    The letter is "?" for what cannot be read, with the reason.
    """
    rest = iter(words)
    for word in rest:
        if not word.startswith("-") or word in ("-", "--"):
            yield "?", f"{word!r} is no option of ssh"
        else:
            yield from _letters(word[1:], rest)


def _letters(letters: str, rest: Iterator[str]) -> Iterator[tuple[str, str]]:
    for number, letter in enumerate(letters, start=1):
        if letter in WITH_VALUE:
            value = letters[number:] or next(rest, "")
            yield _with_value(letter, value)
            return
        if letter in FLAGS:
            yield letter, FLAGS[letter]
        else:
            yield "?", f"'-{letter}' is not honoured here"


def _with_value(letter: str, value: str) -> tuple[str, str]:
    if not value:
        return "?", f"'-{letter}' has no value"
    if letter in "Fo":
        return letter, value
    if letter == "J":
        return letter, f"ProxyJump {value}"
    option = WITH_VALUE[letter]
    return letter, option and f"{option} {_quoted(value)}"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _is_checking(line: str) -> bool:
    found = parse(line)
    return found is not None and found.keyword == CHECKING


def _refusal(line: Line | None, text: str) -> tuple[str, str] | None:
    """Return why the option of an argument is not honoured, and what to do."""
    if line is None or not line.keyword:
        return f"the ssh option {text!r} cannot be read", ""
    if line.keyword == CHECKING:
        checks = " ".join(line.words).lower() in CHECKED
        return None if checks else KEYS_CHECKED
    if line.keyword in HONOURED | NO_EFFECT:
        return None
    return f"the ssh option {line.keyword} is not honoured here", OTHER_HINT
