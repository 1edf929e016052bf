"""The settings of one host: one value, made of all that ssh_config says about it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from provision.config.ssh.tokens import Tokens

SSH_PORT = 22
KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
GLOBAL_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
NONE = "none"
TIME_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
ALGORITHMS = (
    "ciphers",
    "hostkeyalgorithms",
    "kexalgorithms",
    "macs",
    "pubkeyacceptedalgorithms",
)

Options = Mapping[str, Sequence[str]]
"""The words of each option, by its name in lower case; only those that are set."""


@dataclass(frozen=True, slots=True)
class SshSettings:
    """Settings to reach one host, with all tokens, variables and `~` expanded.

    Attributes:
        name: the host as the inventory, or a jump, calls it.
        host: the name or address to connect to (`HostName`).
        port: the port.
        user: the user to log in as.
        identity_files: `IdentityFile` in order.
        default_keys: true if no file is named, and the default keys are to be tried.
        identities_only: true if no key but these may be tried, also of the agent's.
        identity_agent: the agent's socket; "" = none.
        certificate_files: `CertificateFile` in order.
        preferred_authentications: the methods to try, in order; empty = ours.
        pubkey_authentication: false if no key may be tried.
        password_authentication: false if the method `password` may not be tried.
        keyboard_interactive: false if the method `keyboard-interactive` may not be tried.
        user_known_hosts: the user's known_hosts files; the first is where to add keys.
        global_known_hosts: the system's known_hosts files.
        revoked_host_keys: the file of keys that no host may have; None = none.
        host_key_alias: the name to look keys up by; "" = that of the host.
        proxy_jump: the jump hosts, as ProxyJump has them; "" = none.
        proxy_command: the command that leads to the host; "" = none.
        connect_timeout_s: the longest time to connect; None = ours.
        address_family: `any`, `inet` or `inet6`.
        bind_address: the address to connect from; "" = any.
        algorithms: what is said of each of `ALGORITHMS`, as ssh_config has it.
    """

    name: str
    host: str
    port: int = SSH_PORT
    user: str = ""
    identity_files: tuple[Path, ...] = ()
    default_keys: bool = True
    identities_only: bool = False
    identity_agent: str = ""
    certificate_files: tuple[Path, ...] = ()
    preferred_authentications: tuple[str, ...] = ()
    pubkey_authentication: bool = True
    password_authentication: bool = True
    keyboard_interactive: bool = True
    user_known_hosts: tuple[Path, ...] = ()
    global_known_hosts: tuple[Path, ...] = ()
    revoked_host_keys: Path | None = None
    host_key_alias: str = ""
    proxy_jump: str = ""
    proxy_command: str = ""
    connect_timeout_s: float | None = None
    address_family: str = "any"
    bind_address: str = ""
    algorithms: Mapping[str, str] = field(default_factory=dict)


def settings(name: str, options: Options, local_user: str) -> SshSettings:
    """Return the settings of the host *name* from the *options* that are set for it.

    Raises:
        ValueError: a value names a variable that is not set, or an unknown token.
    """
    host = Tokens({"h": name}).text(_word(options, "hostname") or "%h").lower()
    port = int(_word(options, "port") or SSH_PORT)
    user = _word(options, "user") or local_user
    jump, alias = _named(options, "proxyjump"), _word(options, "hostkeyalias")
    tokens = Tokens.of(name, host, port, user, local_user, jump=jump, alias=alias)
    return SshSettings(
        name=name,
        host=host,
        port=port,
        user=user,
        identity_files=_files(options, "identityfile", tokens),
        default_keys="identityfile" not in options,
        identities_only=_flag(options, "identitiesonly", default=False),
        identity_agent=_agent(_word(options, "identityagent"), tokens),
        certificate_files=_files(options, "certificatefile", tokens),
        preferred_authentications=_list(options, "preferredauthentications"),
        pubkey_authentication=_flag(options, "pubkeyauthentication"),
        password_authentication=_flag(options, "passwordauthentication"),
        keyboard_interactive=_flag(options, "kbdinteractiveauthentication"),
        user_known_hosts=_files(options, "userknownhostsfile", tokens, KNOWN_HOSTS),
        global_known_hosts=tuple(map(Path, _global_known_hosts(options))),
        revoked_host_keys=next(iter(_files(options, "revokedhostkeys", tokens)), None),
        host_key_alias=alias,
        proxy_jump=tokens.command(jump),
        proxy_command=tokens.command(_named(options, "proxycommand")),
        connect_timeout_s=_seconds(_word(options, "connecttimeout")),
        address_family=_word(options, "addressfamily").lower() or "any",
        bind_address=_word(options, "bindaddress"),
        algorithms={n: _word(options, n) for n in ALGORITHMS if _word(options, n)},
    )


def _word(options: Options, name: str) -> str:
    return " ".join(options.get(name, ()))


def _named(options: Options, name: str) -> str:
    """Return an option of which `none` means that there is none."""
    text = _word(options, name)
    return "" if text.lower() == NONE else text


def _list(options: Options, name: str) -> tuple[str, ...]:
    return tuple(word for word in _word(options, name).split(",") if word)


def _flag(options: Options, name: str, *, default: bool = True) -> bool:
    # PubkeyAuthentication has more values than two; each of them allows it.
    word = _word(options, name).lower()
    return word not in ("no", "false") if word else default


def _files(
    options: Options, name: str, tokens: Tokens, default: Sequence[str] = ()
) -> tuple[Path, ...]:
    words = options.get(name, default)
    return tuple(Path(tokens.path(w)) for w in words if w and w.lower() != NONE)


def _global_known_hosts(options: Options) -> Sequence[str]:
    """Return the system's files, in which ssh expands nothing."""
    words = options.get("globalknownhostsfile", GLOBAL_KNOWN_HOSTS)
    return [word for word in words if word and word.lower() != NONE]


def _agent(text: str, tokens: Tokens) -> str:
    if text.lower() == NONE:
        return ""
    if text in ("", "SSH_AUTH_SOCK"):
        return os.environ.get("SSH_AUTH_SOCK", "")
    # `$NAME` is the variable of that name, besides `${NAME}` within a path.
    if text.startswith("$") and not text.startswith("${"):
        return os.environ.get(text[1:], "")
    return tokens.path(text)


def _seconds(text: str) -> float | None:
    """Return a time as ssh writes it, such as `90` or `1m30s`; None if there is none."""
    if text.lower() in ("", NONE):
        return None
    total, number = 0, ""
    for letter in text.lower():
        if letter.isdigit():
            number += letter
        else:
            total, number = total + int(number or 0) * TIME_UNITS.get(letter, 1), ""
    return float(total + int(number or 0)) or None
