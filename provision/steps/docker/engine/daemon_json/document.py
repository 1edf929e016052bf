"""The text of a daemon.json: read, and the values of its keys as dockerd wants them.

Source: dockerd(8), Docker Engine 20.10 to 28; `daemon/config` of moby.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator

from provision.errors import RefusedError

PATH = "/etc/docker/daemon.json"
EMPTY: tuple[Any, ...] = ([], {}, "", None)
"""Values of keys that are not managed."""


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(v, str) for v in value)


def _is_mapping_to(kind: type) -> Callable[[object], bool]:
    def check(value: object) -> bool:
        return isinstance(value, Mapping) and all(
            isinstance(one, kind) for one in value.values()
        )

    return check


FORMS: tuple[tuple[str, Callable[[object], bool], str], ...] = (
    (
        "true or false",
        lambda value: isinstance(value, bool),
        "debug experimental icc init ip-forward ip-masq ip6tables iptables ipv6 "
        "live-restore no-new-privileges raw-logs selinux-enabled tls tlsverify "
        "userland-proxy",
    ),
    (
        "a whole number",
        _is_number,
        "max-concurrent-downloads max-concurrent-uploads max-download-attempts mtu "
        "shutdown-timeout",
    ),
    (
        "a text",
        lambda value: isinstance(value, str),
        "bip bridge cgroup-parent containerd data-root default-cgroupns-mode "
        "default-ipc-mode default-runtime exec-root fixed-cidr group log-driver "
        "log-level pidfile storage-driver userns-remap",
    ),
    (
        "a list of texts",
        _is_texts,
        "allow-nondistributable-artifacts authorization-plugins dns dns-opts "
        "dns-search exec-opts hosts insecure-registries labels registry-mirrors "
        "storage-opts",
    ),
    ("a mapping to texts", _is_mapping_to(str), "log-opts"),
    ("a mapping to true or false", _is_mapping_to(bool), "features"),
    (
        "a mapping to mappings",
        _is_mapping_to(Mapping),
        "default-ulimits runtimes",
    ),
)
"""Forms of values: a name, a check, and the keys that have such a value."""


def _faults(keys: Mapping[str, Any]) -> Iterator[str]:
    for form, is_so, names in FORMS:
        for key in names.split():
            value = keys.get(key)
            if value not in EMPTY and not is_so(value):
                yield f"{key}: must be {form}, not {json.dumps(value)}"
    mirrors = keys.get("registry-mirrors")
    for mirror in mirrors if _is_texts(mirrors) and mirrors else ():
        # A reload reports such a one in the journal only, and goes on without it.
        parts = urlsplit(mirror)
        if parts.scheme not in {"http", "https"} or not parts.netloc or "@" in mirror:
            yield (
                f"registry-mirrors: {mirror} must be http://HOST or https://HOST, "
                "without a name and password"
            )


def _checked(keys: Mapping[str, Any]) -> Mapping[str, Any]:
    if faults := list(_faults(keys)):
        raise ValueError("; ".join(faults))
    return keys


Keys = Annotated[Mapping[str, Any], AfterValidator(_checked)]
"""Keys of daemon.json, of values that dockerd does not refuse for their form."""


def key_fields(keys: Mapping[str, Any]) -> dict[str, str]:
    """Return *keys* as fields of a state."""
    return {
        f"daemon.{key}": json.dumps(value, sort_keys=True)
        for key, value in keys.items()
    }


def parse(text: str) -> dict[str, Any]:
    """Return the keys of a daemon.json.

    Raises:
        RefusedError: it is no JSON object.
    """
    try:
        document = json.loads(text or "{}")
    except ValueError as error:
        raise _unreadable(str(error), text) from None
    if not isinstance(document, dict):
        raise _unreadable("it is not an object", text)
    return document


def _unreadable(why: str, text: str) -> RefusedError:
    return RefusedError(
        f"{PATH} on the host cannot be read: {why}",
        hint="repair it by hand; Docker would not start with it either",
        details=text.splitlines()[:20],
    )
